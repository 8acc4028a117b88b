"""Random numbers by address: each part of the history draws from its own generator, named by seed, topic and place."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import numpy.typing as npt

#: The seed of the shop that is generated if nobody names one.
SEED = 7

Ints = npt.NDArray[np.signedinteger]
Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]


def make_rng(seed: int, topic: str, *places: int) -> np.random.Generator:
    """The same address gives the same numbers, in any process and any order of calls."""
    return np.random.default_rng([seed % 2**64, crc32(topic.encode()), *places])
