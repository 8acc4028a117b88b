"""The first night on a real Postgres and MongoDB, with Spark in this process and Delta tables on the local disk; and what the
next night would do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from deltalake import DeltaTable

from batch import night as nights
from batch.hdfs.upkeep import UpkeepReport
from batch.night import Night, run_maintenance
from batch.steps import StepFailed
from batch.stores.mart import NightAlreadyRunning, night_connection
from cdp.lake.paths import CUSTOMERS, EVENTS, table_url
from cdp.settings import current
from tests.batch.shop import D1, D2, LAST_STATE, NOW, Shop, on

stores = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark]


class TestFirstNight:
    pytestmark = stores

    def test_publishes_every_store_and_running_it_again_changes_nothing(self, published: Shop) -> None:
        shop = published
        publication = shop.rows(
            "SELECT id, day, published_at, customers_version, events_version, profiles_collection FROM mart.publication"
        )
        assert publication == [(1, D2, NOW, 0, 1, "profiles_a")]
        counts = {"customers": 2, "events": 3, "days_restated": 2, "copies": 1}
        assert shop.rows("SELECT counts FROM mart.publication") == [(counts,)]
        assert shop.rows("SELECT day, customer_id, views, orders, revenue FROM mart.customer_day ORDER BY 1, 2") == [
            (D1, "ann", 1, 0, Decimal("0.00")),
            (D2, "ann", 0, 1, Decimal("20.00")),
            (D2, "bob", 1, 0, Decimal("0.00")),
        ]
        assert shop.rows("SELECT day, events, customers, new_customers, revenue FROM mart.kpi_day ORDER BY 1") == [
            (D1, 1, 1, 1, Decimal("0.00")),
            (D2, 2, 2, 1, Decimal("20.00")),
        ]
        profiles = shop.profiles()
        assert {customer: (profile["as_of"], profile["active_days"]) for customer, profile in profiles.items()} == {
            "ann": ("2019-10-02", 2),
            "bob": ("2019-10-02", 1),
        }
        snapshot = DeltaTable(table_url(shop.settings, CUSTOMERS), version=0).to_pyarrow_table().to_pylist()
        assert {row["customer_id"]: (row["total_purchase_value"], row["products_bought"]) for row in snapshot} == {
            "ann": (Decimal("20.00"), 1),
            "bob": (Decimal("0.00"), 0),
        }
        seen = shop.seen()
        shop.night(D2)
        assert shop.seen() == seen
        assert shop.rows(LAST_STATE) == [("needless",)]

    def test_fills_the_chart_tables(self, published: Shop) -> None:
        assert published.rows("SELECT brand, orders, revenue FROM mart.brand_day WHERE day = '2019-10-02' ORDER BY 1") == [
            ("", 0, Decimal("0.00")),
            ("samsung", 1, Decimal("20.00")),
        ]
        assert published.rows("SELECT from_value, to_value, orders FROM mart.order_value_day") == [(20, 50, 1)]
        assert published.rows("SELECT cohort, customers, buyers FROM mart.cohort_month") == [(D1, 2, 1)]


class TestPlan:
    """What the next night would do, without running it."""

    pytestmark = stores

    def test_lost_chart_rows_are_made_again_and_an_empty_table_is_not_a_lost_one(self, published: Shop) -> None:
        """The first day has no orders, so no rows in order_value_day. It must not be restated each night for that."""
        assert published.plan(D2).is_needless
        published.rows("DELETE FROM mart.order_value_day RETURNING 1")
        assert published.plan(D2).days == [D2]

    def test_numbers_of_an_events_table_that_was_set_aside_stay_and_late_events_are_not_missed(self, published: Shop) -> None:
        """The new table counts its versions from 0, so a late event may come in a version number that the old table also had."""
        shop = published
        first_day = shop.rows("SELECT * FROM mart.kpi_day WHERE day = '2019-10-01'")
        shutil.rmtree(table_url(shop.settings, EVENTS).removeprefix("file:"))
        shop.receive(on(2, "bob"))
        shop.night(D2)
        assert shop.rows("SELECT day, events, customers FROM mart.kpi_day ORDER BY 1") == [(D1, 1, 1), (D2, 1, 1)]
        assert shop.rows("SELECT * FROM mart.kpi_day WHERE day = '2019-10-01'") == first_day
        assert shop.plan(D2).is_needless
        shop.receive(on(2, "cid"))
        plan = shop.plan(D2)
        assert (plan.days, plan.events.version) == ([D2], 1)
        versions = "SELECT events_version, count(*) OVER (PARTITION BY events_table) FROM mart.publication ORDER BY id"
        assert shop.rows(versions) == [(1, 1), (0, 1)]

    def test_day_before_the_first_event_is_refused(self, published: Shop) -> None:
        with pytest.raises(StepFailed, match="plan") as error:
            published.night(date(2019, 9, 30))
        assert str(error.value.__cause__) == "there are no events on or before 2019-09-30; the first are on 2019-10-01."

    def test_second_night_at_the_same_time_is_refused(self, published: Shop) -> None:
        with (
            night_connection(published.settings),
            pytest.raises(NightAlreadyRunning, match=r"another night runs since \d\d:\d\d:\d\d UTC"),
        ):
            published.night(D1)
        with night_connection(published.settings):
            pass  # the lock is free again


class TestMaintenance:
    def test_failure_is_reported_and_the_other_job_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def cut_off(*_: Any) -> None:
            raise OSError("cut off here")

        lines: list[str] = []
        monkeypatch.setattr(nights, "compact", cut_off)
        monkeypatch.setattr(nights, "run_upkeep", lambda *_: UpkeepReport(2, 1))
        run_maintenance(make_night(lines.append), D2)
        assert lines[0].startswith("  compaction   failed: cut off here")
        assert lines[1].endswith("2 small files merged, 1 replaced files deleted")

    def test_nothing_to_compact_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lines: list[str] = []
        monkeypatch.setattr(nights, "compact", lambda *_: None)
        monkeypatch.setattr(nights, "run_upkeep", lambda *_: UpkeepReport(0, 0))
        run_maintenance(make_night(lines.append), D2)
        assert lines[0].endswith("nothing to compact")


def make_night(say: Callable[[str], None]) -> Night:
    """A night without Spark and without a connection, for jobs that are replaced."""
    absent: Any = None
    return Night(current(), absent, absent, lambda: NOW, say)
