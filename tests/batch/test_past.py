"""Snapshots of past days: which days get one, and each equals the snapshot that a night of that day publishes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from deltalake import DeltaTable

from batch import past
from batch.night import Night
from batch.past import list_past_days, make_snapshots
from batch.steps import StepFailed
from batch.stores.mart import night_connection
from cdp.lake.paths import CUSTOMERS, table_url
from tests.batch.shop import D1, D2, D3, NOW, Shop, on, shop

__all__ = ["shop"]

stores = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark]
OCT_31 = date(2019, 10, 31)


def test_days_end_before_the_published_one() -> None:
    assert list_past_days("day", D1, D3) == [D1, D2]
    assert list_past_days("day", D1, D1) == []


def test_weeks_end_on_sunday_and_months_on_their_last_day_for_any_range() -> None:
    assert list_past_days("week", date(2019, 10, 6), OCT_31) == [date(2019, 10, day) for day in (6, 13, 20, 27)]
    assert list_past_days("month", date(2019, 8, 31), OCT_31) == [date(2019, 8, 31), date(2019, 9, 30)]
    assert len(list_past_days("week", OCT_31 - timedelta(days=1095), OCT_31)) == 156


def run_snapshots(shop: Shop) -> None:
    with night_connection(shop.settings) as connection:
        make_snapshots(Night(shop.settings, shop.spark, connection, lambda: NOW, shop.said.append), "day", D1, D3)


def read_customers(shop: Shop, version: int) -> list[dict[str, Any]]:
    rows = DeltaTable(table_url(shop.settings, CUSTOMERS), version=version).to_pyarrow_table().to_pylist()
    return sorted(rows, key=lambda row: row["customer_id"])


def read_charts(shop: Shop) -> list[Any]:
    """The chart rows of the days before the last."""
    return [
        shop.rows(f"SELECT * FROM mart.{table} WHERE day < '{D3}' ORDER BY 1, 2, 3, 4, 5") for table in ("rfm_day", "rfm_flow")
    ]


class TestSnapshots:
    pytestmark = stores

    def test_equal_those_of_nights_and_continue_after_a_failure(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        purchase = {"event_type": "purchase"}
        shop.receive(on(1, **purchase), on(1, "bob"), on(2, **purchase), on(2, "cid", **purchase), on(3, "bob", **purchase))
        shop.night(D1, D2, D3)
        nights = dict(shop.rows("SELECT day, customers_version FROM mart.publication"))
        expected, serving = read_charts(shop), shop.seen()
        shop.rows(
            "DELETE FROM mart.rfm_day WHERE day < '2019-10-03'; DELETE FROM mart.rfm_flow WHERE day < '2019-10-03' RETURNING 1"
        )

        with monkeypatch.context() as patch:
            totals = past.sum_days_up_to
            patch.setattr(past, "sum_days_up_to", lambda on, day: totals(on, D1) if day == D2 else totals(on, day))
            with pytest.raises(StepFailed, match="2019-10-02"):
                run_snapshots(shop)
        assert shop.rows("SELECT day, customers FROM mart.past_snapshot") == [(D1, 2)]
        run_snapshots(shop)
        snapshots = dict(shop.rows("SELECT day, customers_version FROM mart.past_snapshot ORDER BY 1"))
        assert list(snapshots) == [D1, D2]
        for day, version in snapshots.items():
            assert read_customers(shop, version) == read_customers(shop, nights[day]), day
        assert read_charts(shop) == expected
        assert shop.seen() == serving, "readers see no change"

        run_snapshots(shop)
        assert dict(shop.rows("SELECT day, customers_version FROM mart.past_snapshot ORDER BY 1")) == snapshots, "nothing to do"
        shop.receive(on(2, "eve"))
        shop.night(D3)
        run_snapshots(shop)
        again = dict(shop.rows("SELECT day, customers_version FROM mart.past_snapshot ORDER BY 1"))
        assert [day for day in snapshots if snapshots[day] != again[day]] == [D2], "only the changed day is made again"
