"""Converts arrays of numbers to arrays of text, without a loop over rows."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from source_server.history.rhythm import SECONDS_A_DAY
from source_server.history.seeds import Ints

Letters = npt.NDArray[np.uint8]


def format_times(day: date, seconds: Ints) -> pa.Array:
    """2019-10-01 00:00:00 UTC"""
    letters = _make_times_of_day()[seconds]
    letters[:, :10] = np.frombuffer(str(day).encode(), np.uint8)
    return _to_array(letters)


def draw_sessions(rng: np.random.Generator, size: int) -> pa.Array:
    """Random ids that look like UUIDs."""
    digits = np.frombuffer(rng.bytes(16 * size).hex().encode(), np.uint8).reshape(size, 32)
    letters = np.full((size, 36), ord("-"), np.uint8)
    for begin, end, shift in ((0, 8, 0), (8, 12, 1), (12, 16, 2), (16, 20, 3), (20, 32, 4)):
        letters[:, begin + shift : end + shift] = digits[:, begin:end]
    return _to_array(letters)


@lru_cache(maxsize=1)
def _make_times_of_day() -> Letters:
    texts = "".join(f"0000-00-00 {hour:02}:{rest // 60:02}:{rest % 60:02} UTC" for hour in range(24) for rest in range(3600))
    return np.frombuffer(texts.encode(), np.uint8).reshape(SECONDS_A_DAY, -1)


def _to_array(letters: Letters) -> pa.Array:
    rows, width = letters.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(letters)))
