"""Chance with an address: each part of the history draws from a generator of its own, named by seed, topic and place."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.signedinteger]
Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]


def rng_of(seed: int, topic: str, *places: int) -> np.random.Generator:
    """The same numbers for the same address, in whatever process and order it is asked for."""
    return np.random.default_rng([seed % 2**64, crc32(topic.encode()), *places])
