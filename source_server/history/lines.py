"""The line of a shelf: its products by price band, then brand, then a style that no column shows. Each takes up as much of it as
its share of views. So customers with a taste look at few products each, and the shares of all customers together remain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from source_server.history.seeds import Floats, Ints, make_rng

PRICE_BANDS = 3  # on each shelf, with the same share of its views
STYLE_NOISE = 1.0  # products of one style sell similarly, but not equally
BELOW_ONE = 1 - 1e-9


def lay_out(seed: int, cents: Ints, brand: pa.Array, shares: Sequence[Floats]) -> tuple[Ints, Floats]:
    """The products in the order of the lines, and where each of them ends; each shelf adds 1. `shares` are those of each shelf's
    products. Brands are in the order of the alphabet, so that a brand is at a similar place on all lines."""
    names = brand.fill_null("").to_pylist()
    brand_ranks = np.unique(names, return_inverse=True)[1]
    lines, ends, first = [], [], 0
    for shelf, of_shelf in enumerate(shares):
        products = np.arange(first, first + len(of_shelf))
        style = np.log(products - first + 3.0) + STYLE_NOISE * make_rng(seed, "style", shelf).standard_normal(len(of_shelf))
        order = np.lexsort((style, brand_ranks[products], _find_bands(cents[products], of_shelf)))
        lines.append(products[order])
        ends.append(shelf + np.append(np.minimum(np.cumsum(of_shelf[order][:-1]), BELOW_ONE), 1.0))
        first += len(of_shelf)
    return np.concatenate(lines), np.concatenate(ends)


def _find_bands(cents: Ints, shares: Floats) -> Ints:
    """The price band of each product of a shelf, from 0."""
    by_price = np.argsort(cents, kind="stable")
    bands = np.empty(len(cents), np.int64)
    bands[by_price] = np.minimum(np.cumsum(shares[by_price]) * PRICE_BANDS, PRICE_BANDS - 1)
    return bands
