"""Who is new on which day, whichever day is published: from Delta tables on the local disk, without Spark."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from batch.newcomers import newcomers
from cdp.paths import CUSTOMER_DAY, CUSTOMERS, table_url
from cdp.settings import Settings, load

D1, D2, D3 = (date(2019, 10, day) for day in (1, 2, 3))
SEEN = (("ann", D1), ("ann", D2), ("bob", D2), ("ann", D3), ("cid", D3))


def shop(place: Path, as_of: date) -> Settings:
    settings = load({"CDP_HDFS_URL": f"file:{place}"})
    customers, days = zip(*SEEN, strict=True)
    rows = pa.table({"customer_id": customers, "day": pa.array(days, pa.date32())})
    write_deltalake(table_url(settings, CUSTOMER_DAY), rows, partition_by=["day"])
    firsts: dict[str, date] = {}
    for customer, day in SEEN:
        if day <= as_of:
            firsts.setdefault(customer, day)
    known = pa.table({"customer_id": list(firsts), "first_seen": pa.array(firsts.values(), pa.date32())})
    write_deltalake(table_url(settings, CUSTOMERS), known)
    return settings


@pytest.mark.parametrize("as_of", [D1, D2, D3])
def test_customer_is_new_once_whichever_day_is_published(tmp_path: Path, as_of: date) -> None:
    assert newcomers(shop(tmp_path, as_of), 0, as_of) == {D1: 1, D2: 1, D3: 1}


def test_snapshot_is_asked_of_those_it_knows_and_the_days_only_of_later_ones(tmp_path: Path) -> None:
    settings = shop(tmp_path, D2)
    known = pa.table({"customer_id": ["ann"], "first_seen": pa.array([D2], pa.date32())})
    write_deltalake(table_url(settings, CUSTOMERS), known, mode="overwrite")
    assert newcomers(settings, 1, D2) == {D2: 1, D3: 1}
    assert newcomers(settings, 0, D2) == {D1: 1, D2: 1, D3: 1}
