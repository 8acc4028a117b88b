"""Made histories that several tests read, made once."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest

from source_server.history.processes import made
from source_server.history.shop import Shop, arrivals

FIRST = date(2019, 9, 20)
SMALL = Shop(seed=7, first_day=FIRST, customers=1500, events=60_000)


def history(shop: Shop, first: date, days: int) -> pa.Table:
    """What arrives on these days, with what is known of each row."""
    last = first + timedelta(days=days - 1)
    return pa.concat_tables(arrivals(made(shop, shop.parts(first, last), 1), first))


@pytest.fixture(scope="session")
def small() -> pa.Table:
    """Eight days of a small shop."""
    return history(SMALL, FIRST, 8)


@pytest.fixture(scope="session")
def dirty() -> pa.Table:
    """A few days with enough rows for all that is rare."""
    return history(Shop(seed=3, first_day=FIRST, customers=90_000, events=2_000_000), FIRST, 4)
