"""Snapshots of past days: which days, and that each is the one that a night of its day would have published."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from deltalake import DeltaTable

from batch import past
from batch.night import Night
from batch.past import make_snapshots, past_days
from batch.steps import StepFailed
from batch.stores.mart import night_connection
from cdp.paths import CUSTOMERS, table_url
from tests.batch.shop import D1, D2, D3, NOW, Shop, on, shop

__all__ = ["shop"]

stores = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark]
OCT_31 = date(2019, 10, 31)


def test_days_end_before_the_one_that_is_published() -> None:
    assert past_days("day", D1, D3) == [D1, D2]
    assert past_days("day", D1, D1) == []


def test_weeks_end_on_sunday_and_months_on_their_last_day_whatever_the_range() -> None:
    assert past_days("week", date(2019, 10, 6), OCT_31) == [date(2019, 10, day) for day in (6, 13, 20, 27)]
    assert past_days("month", date(2019, 8, 31), OCT_31) == [date(2019, 8, 31), date(2019, 9, 30)]
    assert len(past_days("week", OCT_31 - timedelta(days=1095), OCT_31)) == 156


def snapshots(shop: Shop) -> None:
    with night_connection(shop.settings) as connection:
        make_snapshots(Night(shop.settings, shop.spark, connection, lambda: NOW, shop.said.append), "day", D1, D3)


def customers(shop: Shop, version: int) -> list[dict[str, Any]]:
    rows = DeltaTable(table_url(shop.settings, CUSTOMERS), version=version).to_pyarrow_table().to_pylist()
    return sorted(rows, key=lambda row: row["customer_id"])


def charts(shop: Shop) -> list[Any]:
    """What the charts say of the days before the last."""
    return [
        shop.rows(f"SELECT * FROM mart.{table} WHERE day < '{D3}' ORDER BY 1, 2, 3, 4, 5") for table in ("rfm_day", "rfm_flow")
    ]


class TestSnapshots:
    pytestmark = stores

    def test_are_those_of_nights_and_go_on_where_they_were_stopped(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        bought = {"event_type": "purchase"}
        shop.receive(on(1, **bought), on(1, "bob"), on(2, **bought), on(2, "cid", **bought), on(3, "bob", **bought))
        shop.night(D1, D2, D3)
        nights = dict(shop.rows("SELECT day, customers_version FROM mart.publication"))
        wanted, serving = charts(shop), shop.seen()
        shop.rows(
            "DELETE FROM mart.rfm_day WHERE day < '2019-10-03'; DELETE FROM mart.rfm_flow WHERE day < '2019-10-03' RETURNING 1"
        )

        with monkeypatch.context() as patch:
            totals = past.totals_up_to
            patch.setattr(past, "totals_up_to", lambda on, day: totals(on, D1) if day == D2 else totals(on, day))
            with pytest.raises(StepFailed, match="2019-10-02"):
                snapshots(shop)
        assert shop.rows("SELECT day, customers FROM mart.past_snapshot") == [(D1, 2)]
        snapshots(shop)
        made = dict(shop.rows("SELECT day, customers_version FROM mart.past_snapshot ORDER BY 1"))
        assert list(made) == [D1, D2]
        for day, version in made.items():
            assert customers(shop, version) == customers(shop, nights[day]), day
        assert charts(shop) == wanted
        assert shop.seen() == serving, "readers see what they saw"

        snapshots(shop)
        assert dict(shop.rows("SELECT day, customers_version FROM mart.past_snapshot ORDER BY 1")) == made, "nothing to do"
        shop.receive(on(2, "eve"))
        shop.night(D3)
        snapshots(shop)
        again = dict(shop.rows("SELECT day, customers_version FROM mart.past_snapshot ORDER BY 1"))
        assert [day for day in made if made[day] != again[day]] == [D2], "the day that has changed, and no other"
