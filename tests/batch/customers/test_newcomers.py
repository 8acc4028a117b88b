"""New customers per day, from a Delta table on the local disk, without Spark."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from batch.customers.newcomers import count_newcomers
from cdp.lake.paths import CUSTOMER_DAY, table_url
from cdp.settings import Settings, load

D1, D2, D3 = (date(2019, 10, day) for day in (1, 2, 3))


def make_shop(folder: Path, *visits: tuple[str, date]) -> Settings:
    settings = load({"CDP_HDFS_URL": f"file:{folder}"})
    customers, days = zip(*visits, strict=True)
    rows = pa.table({"customer_id": customers, "day": pa.array(days, pa.date32())})
    write_deltalake(table_url(settings, CUSTOMER_DAY), rows, partition_by=["day"])
    return settings


def test_customer_is_new_once(tmp_path: Path) -> None:
    settings = make_shop(tmp_path, ("ann", D1), ("ann", D2), ("bob", D2), ("ann", D3), ("cid", D3), ("bob", D3), ("dan", D3))
    assert count_newcomers(settings) == {D1: 1, D2: 1, D3: 2}


def test_day_without_new_customers_is_absent(tmp_path: Path) -> None:
    assert count_newcomers(make_shop(tmp_path, ("ann", D1), ("ann", D2))) == {D1: 1}
