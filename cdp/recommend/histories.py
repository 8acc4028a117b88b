"""The products of each customer, or of each visit, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.signedinteger]
Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.str_]
#: Strength of a product that was viewed once a moment ago.
ONE_VIEW = float(np.log1p(1.0))


@dataclass(frozen=True)
class Histories:
    """The history of row i is at starts[i] to starts[i + 1]: numbers of products, the latest first, and how strong each is."""

    starts: Ints
    product: Ints
    strength: Floats

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def lengths(self) -> Ints:
        return np.diff(self.starts)

    @cached_property
    def row(self) -> Ints:
        """The row of each entry."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def place(self) -> Ints:
        """The place of each entry in its row; 0 is the latest."""
        return np.arange(len(self.product)) - self.starts[:-1][self.row]

    def take(self, rows: Ints) -> Histories:
        lengths = self.lengths[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.repeat(self.starts[:-1][rows] - starts[:-1], lengths) + np.arange(starts[-1])
        return Histories(starts, self.product[entries], self.strength[entries])

    def keep_latest(self, count: int) -> Histories:
        """The latest products of each row."""
        return self._filter(self.place < count)

    def keep_strong(self) -> Histories:
        """Without products of no strength, such as those put back from the cart."""
        return self._filter(self.strength > 0)

    def _filter(self, kept: Flags) -> Histories:
        counts = np.bincount(self.row[kept], minlength=len(self))
        return Histories(np.concatenate([[0], np.cumsum(counts)]), self.product[kept], self.strength[kept])


def from_rows(row: Ints, product: Ints, strength: Floats, rows: int) -> Histories:
    """From entries in the order of rows."""
    return Histories(np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))]), product, strength)


def from_lists(lists: Sequence[Sequence[int]]) -> Histories:
    """From numbers of products, the latest first, each as if it were viewed once now."""
    row = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
    product = np.array([product for one in lists for product in one], np.int64)
    return from_rows(row, product, np.full(len(product), ONE_VIEW, np.float32), len(lists))
