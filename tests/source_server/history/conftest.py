"""Histories that several tests read, generated once."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest

from source_server.history.processes import make_parts
from source_server.history.shop import Shop, arrivals

FIRST = date(2019, 9, 20)
SMALL = Shop(seed=7, first_day=FIRST, customers=1500, events=60_000)


def history(shop: Shop, first: date, days: int) -> pa.Table:
    """The rows that arrive on these days, with the facts about each row."""
    last = first + timedelta(days=days - 1)
    return pa.concat_tables(arrivals(make_parts(shop, shop.parts(first, last), 1), first))


@pytest.fixture(scope="session")
def small() -> pa.Table:
    """Eight days of a small shop."""
    return history(SMALL, FIRST, 8)


@pytest.fixture(scope="session")
def dirty() -> pa.Table:
    """A few days with enough rows for all rare cases."""
    return history(Shop(seed=3, first_day=FIRST, customers=90_000, events=2_000_000), FIRST, 4)
