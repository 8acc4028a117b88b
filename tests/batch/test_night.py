"""Nights on a real Postgres and MongoDB, with Spark in this process and Delta tables on the local disk."""

from __future__ import annotations

import shutil
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from deltalake import DeltaTable

from batch import night as nights
from batch.hdfs import compact as compaction
from batch.hdfs.tables import read_changed_days
from batch.steps import StepFailed
from batch.stores import publish, staging
from batch.stores.mart import NightAlreadyRunning, night_connection
from cdp.lake.paths import CUSTOMER_DAY, CUSTOMERS, EVENTS, INTERACTIONS, table_url
from cdp.mart.daily import TABLES
from tests.batch.shop import D1, D2, D3, NOW, NUMBERS, Shop, on, shop

__all__ = ["shop"]

pytestmark = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark]

LAST_STATE = "SELECT state FROM mart.night_run ORDER BY id DESC LIMIT 1"


def test_first_night_publishes_every_store_and_running_it_again_changes_nothing(shop: Shop) -> None:
    shop.receive(on(1), on(2, event_type="purchase", quantity=2), on(2, "bob"), on(3, "cid"))
    shop.receive(on(1, event_id="1-0"))  # a copy of the first
    shop.night(D2)
    publication = shop.rows(
        "SELECT id, day, published_at, customers_version, events_version, profiles_collection FROM mart.publication"
    )
    assert publication == [(1, D2, NOW, 0, 1, "profiles_a")]
    assert shop.rows("SELECT counts FROM mart.publication") == [({"customers": 2, "events": 3, "days_restated": 2, "copies": 1},)]
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

    # Without new events nothing is published.
    seen, numbers = shop.seen(), shop.numbers()
    shop.night(D2)
    assert shop.seen() == seen
    assert shop.rows(LAST_STATE) == [("needless",)]
    shop.night(D2, everything=True)
    assert shop.seen()["publication"][0][0] == 2
    assert shop.numbers() == numbers


def test_late_event_restates_its_own_day_and_no_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It arrives while a night runs, so the next night processes it. That night writes only the profile that it changes."""
    shop.receive(on(1), on(2), on(3, "bob"))
    shop.night(D3)
    read = nights.read_events

    def read_after_stream(*arguments: Any) -> Any:
        monkeypatch.setattr(nights, "read_events", read)
        shop.receive(on(2, "bob", event_type="purchase"))
        return read(*arguments)

    monkeypatch.setattr(nights, "read_events", read_after_stream)
    shop.night(D3, everything=True)
    assert shop.rows("SELECT sum(revenue) FROM mart.kpi_day") == [(Decimal("0.00"),)]
    shop.night(D3)
    assert shop.rows("SELECT counts->'days_restated' FROM mart.publication ORDER BY id DESC LIMIT 1") == [(1,)]
    for name in (CUSTOMER_DAY, INTERACTIONS):
        table = DeltaTable(table_url(shop.settings, name))
        assert read_changed_days(table, table.version() - 1) == {D2}, name
    # Bob is new a day earlier than before: his old first day changes too.
    assert shop.rows("SELECT day, new_customers, revenue FROM mart.kpi_day ORDER BY 1") == [
        (D1, 1, Decimal("0.00")),
        (D2, 1, Decimal("10.00")),
        (D3, 0, Decimal("0.00")),
    ]
    assert shop.profiles()["bob"]["first_seen"] == "2019-10-02"
    assert [line.split(" s  ")[1] for line in shop.said if line.startswith("  profiles")] == [
        "profiles_a: 2 written, 0 unchanged, 0 removed",
        "profiles_b: 2 written, 0 unchanged, 0 removed",
        "profiles_a: 1 written, 1 unchanged, 0 removed",
    ]


def test_old_versions_stay_readable_and_publishing_an_earlier_day_drops_later_customers_but_no_event(shop: Shop) -> None:
    shop.receive(on(1), on(2, "bob"), on(3, "cid"))
    shop.night(D1, D2, D3)
    versions = shop.rows("SELECT day, customers_version, profiles_collection FROM mart.publication ORDER BY id")
    assert [(day, collection) for day, _, collection in versions] == [(D1, "profiles_a"), (D2, "profiles_b"), (D3, "profiles_a")]
    url = table_url(shop.settings, CUSTOMERS)
    counts = [DeltaTable(url, version=version).to_pyarrow_table().num_rows for _, version, _ in versions]
    assert counts == [1, 2, 3]
    shop.receive(on(1, "dan"), on(3, "eve"))
    shop.night(D1)  # into profiles_b, with bob in it
    assert set(shop.profiles()) == {"ann", "dan"}
    # An earlier version of the platform wrote no interactions; the night makes them.
    shutil.rmtree(url.replace(CUSTOMERS, INTERACTIONS).removeprefix("file:"))
    shop.night(D3)
    assert set(shop.profiles()) == {"ann", "bob", "cid", "dan", "eve"}
    assert shop.rows("SELECT counts->'days_restated' FROM mart.publication ORDER BY id DESC LIMIT 1") == [(3,)]
    assert shop.rows("SELECT sum(events) FROM mart.kpi_day") == [(5,)]


def test_night_that_fails_changes_nothing_and_running_it_again_publishes(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.receive(on(1), on(2))
    shop.night(D2)
    seen = shop.seen()
    shop.receive(on(1, "bob", event_type="purchase"))

    def fail(*_: Any) -> None:
        raise psycopg2.OperationalError("cut off here")

    copy = staging.copy_lines
    lost_row = "rows: on 2019-10-01 customer_day has 1 rows, kpi_day 2 customers"
    # The publication fails at its last statement, so that all others have to be rolled back.
    for module, name, replacement, step, reason in (
        (staging, "copy_lines", lambda lines, *rest: copy(lines.limit(1), *rest), "gate", lost_row),
        (publish, "_insert_publication", fail, "publication", "cut off here"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, replacement)
            with pytest.raises(StepFailed, match=step) as error:
                shop.night(D2)
        assert str(error.value.__cause__).startswith(reason)
        assert shop.seen() == seen
    shop.night(D2)
    assert shop.rows("SELECT sum(revenue) FROM mart.customer_day") == [(Decimal("10.00"),)]
    assert set(shop.profiles()) == {"ann", "bob"}
    assert shop.rows("SELECT count(*) FROM pg_tables WHERE tablename LIKE '%next%'") == [(0,)]


def test_chart_tables_are_replaced_as_declared(shop: Shop) -> None:
    shop.receive(on(1), on(2, event_type="purchase", quantity=2), on(2, "bob", brand=None), on(3, "bob", event_type="purchase"))
    shop.night(D2)
    assert shop.rows("SELECT brand, orders, revenue FROM mart.brand_day WHERE day = '2019-10-02' ORDER BY 1") == [
        ("", 0, Decimal("0.00")),
        ("samsung", 1, Decimal("20.00")),
    ]
    assert shop.rows("SELECT from_value, to_value, orders FROM mart.order_value_day") == [(20, 50, 1)]
    assert shop.rows("SELECT cohort, customers, buyers FROM mart.cohort_month") == [(D1, 2, 1)]
    # A row without an event stays as long as its day is not restated.
    for table, row in (("brand_day", "'ghost', 1, 0, 0, 0, 1, 0, 0, 0, 0, 0"), ("hour_day", "5, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0")):
        shop.rows(f"INSERT INTO mart.{table} VALUES ('{D1}', {row}), ('{D2}', {row}) RETURNING 1")
    # rfm_day does not count the refund of a customer who never ordered.
    shop.receive(on(1, "bob", event_type="purchase"), on(3, "cid", event_type="refund"))
    shop.night(D3)
    assert shop.rows("SELECT sum(gross_revenue), sum(revenue), sum(refunds) FROM mart.kpi_day") == [(40, 30, 1)]
    assert shop.rows("SELECT day FROM mart.brand_day WHERE brand = 'ghost'") == [(D2,)]
    assert shop.rows("SELECT day FROM mart.hour_day WHERE hour = 5") == [(D2,)]
    assert shop.rows("SELECT day, sum(customers), sum(revenue) FROM mart.rfm_day GROUP BY 1 ORDER BY 1") == [
        (D2, 1, Decimal("20.00")),
        (D3, 2, Decimal("40.00")),
    ]
    assert shop.rows("SELECT customers, buyers, orders FROM mart.cohort_month") == [(3, 2, 3)]
    moved = "SELECT day, from_group <> '', to_group <> '', sum(customers) FROM mart.rfm_flow WHERE since = 'day' GROUP BY 1, 2, 3"
    assert shop.rows(f"{moved} ORDER BY 1, 2, 3") == [
        (D2, False, False, 1),
        (D2, False, True, 1),
        (D3, False, False, 1),
        (D3, True, True, 2),
    ]
    # Publishing the same day again does not duplicate its rows, and those of the day before stay.
    seen = shop.numbers()
    shop.night(D3, everything=True)
    healed = shop.numbers()
    assert {name for name in NUMBERS if healed[name] != seen[name]} == {"brand_day", "hour_day"}


def test_lost_chart_rows_are_made_again_and_an_empty_table_is_not_a_lost_one(shop: Shop) -> None:
    """A day without orders has no rows in order_value_day, and must not be restated each night for that."""
    shop.receive(on(1), on(2, event_type="purchase"), on(3))
    shop.night(D3)
    seen = shop.numbers()
    shop.rows("DELETE FROM mart.order_value_day RETURNING 1")
    shop.night(D3)
    assert shop.numbers() == seen
    shop.night(D3)
    assert shop.rows("SELECT counts->'days_restated' FROM mart.publication ORDER BY id") == [(3,), (1,)]


def test_tables_of_an_earlier_version_are_converted_by_the_next_night(shop: Shop) -> None:
    """They had a partition for each day in Postgres, and a folder for each day on HDFS."""
    shop.receive(on(1), on(2, event_type="purchase"), on(3))
    shop.night(D3)
    seen = shop.numbers()
    for name in (CUSTOMER_DAY, INTERACTIONS):
        url = table_url(shop.settings, name)
        rows = shop.spark.read.format("delta").load(url).drop("month").localCheckpoint()
        shutil.rmtree(url.removeprefix("file:"))
        rows.write.format("delta").partitionBy("day").save(url)
    for name in ("customer_day", "product_day"):
        parts = "; ".join(
            f"CREATE TABLE mart.{name}_{day} PARTITION OF mart.{name} FOR VALUES IN ('2019-10-0{day}')" for day in (1, 2, 3)
        )
        statements = (
            f"ALTER TABLE mart.{name} RENAME TO old",
            f"CREATE TABLE mart.{name} (LIKE mart.old INCLUDING ALL) PARTITION BY LIST (day)",
            parts,
            f"INSERT INTO mart.{name} SELECT * FROM mart.old",
            "DROP TABLE mart.old",
            "SELECT 1",
        )
        shop.rows("; ".join(statements))
    with night_connection(shop.settings):
        assert shop.rows("SELECT relkind::text FROM pg_class WHERE relname IN ('customer_day', 'product_day')") == [
            ("r",),
            ("r",),
        ]
    assert shop.numbers() == seen, "opening the connection loses nothing"
    shop.night(D3)
    assert shop.numbers() == seen
    assert shop.rows("SELECT counts->'days_restated' FROM mart.publication ORDER BY id") == [(3,), (3,)]
    assert DeltaTable(table_url(shop.settings, CUSTOMER_DAY)).metadata().partition_columns == ["month"]


def test_numbers_of_an_events_table_that_was_set_aside_stay_and_late_events_are_not_missed(shop: Shop) -> None:
    """The new table counts its versions from 0, so a late event may come in a version number that the old table also had."""
    shop.receive(on(1), on(2))
    shop.receive(on(2, "bob"))
    shop.night(D2)
    first_day = shop.rows("SELECT * FROM mart.kpi_day WHERE day = '2019-10-01'")
    shutil.rmtree(table_url(shop.settings, EVENTS).removeprefix("file:"))
    shop.receive(on(2, "bob"))
    shop.night(D2)
    days = "SELECT day, events, customers FROM mart.kpi_day ORDER BY 1"
    assert shop.rows(days) == [(D1, 1, 1), (D2, 1, 1)]
    shop.receive(on(2, "cid"))
    shop.night(D2)
    assert shop.rows(days) == [(D1, 1, 1), (D2, 2, 2)]
    assert shop.rows("SELECT * FROM mart.kpi_day WHERE day = '2019-10-01'") == first_day
    assert shop.rows("SELECT events_version, count(*) OVER (PARTITION BY events_table) FROM mart.publication ORDER BY id") == [
        (1, 1), (0, 2), (1, 2),
    ]  # fmt: skip


def test_a_new_event_type_counts_zero_on_earlier_days(shop: Shop) -> None:
    """As if removals had not been counted so far: the tables lack the column, and the night adds it."""
    shop.receive(on(1), on(2))
    shop.night(D2)
    url = table_url(shop.settings, CUSTOMER_DAY)
    old_rows = shop.spark.read.format("delta").load(url).drop("removals")
    writer = old_rows.write.format("delta").mode("overwrite").option("partitionOverwriteMode", "static").partitionBy("month")
    writer.option("overwriteSchema", "true").save(url)
    tables = [table.full_name for table in TABLES if "removals" in table.column_names]
    shop.rows(f"{'; '.join(f'ALTER TABLE {name} DROP COLUMN removals' for name in tables)}; SELECT 1")
    shop.receive(on(3, event_type="remove_from_cart"))
    shop.night(D3)
    for table in ("customer_day", "kpi_day", "product_day", "hour_day"):
        assert shop.rows(f"SELECT removals FROM mart.{table} ORDER BY day") == [(0,), (0,), (1,)], table
    assert shop.profiles()["ann"]["removals"] == 1
    shop.night(D2)
    assert shop.profiles()["ann"]["removals"] == 0


def test_numbers_are_the_same_with_compaction_and_without(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.receive(on(1), on(1, "bob", event_type="purchase"), on(2))
    shop.receive(on(1, event_id="1-0"), on(2, "bob"))
    shop.night(D2)
    without, numbers = shop.seen(), shop.numbers()

    def cut_off(*_: Any) -> None:
        raise OSError("cut off here")

    with monkeypatch.context() as patch:
        patch.setattr(compaction, "rewrite_events", cut_off)
        shop.run_maintenance(D2)
    assert shop.said[-2].startswith("  compaction   failed: cut off here")
    shop.run_maintenance(D2)
    assert shop.said[-2].endswith("2 days, 4 files merged into 2, 1 copies dropped")
    assert shop.seen() == without
    shop.night(D2)
    assert shop.rows(LAST_STATE) == [("needless",)]
    shop.night(D2, everything=True)
    assert shop.numbers() == numbers
    shop.receive(on(1, "cid"))
    shop.night(D2)
    shop.run_maintenance(D2)
    assert shop.rows("SELECT counts->'days_restated' FROM mart.publication ORDER BY id") == [(2,), (2,), (1,)]
    shop.run_maintenance(D2)
    assert shop.said[-2].endswith("nothing to compact")


def test_day_before_the_first_event_is_refused(shop: Shop) -> None:
    shop.receive(on(2))
    with pytest.raises(StepFailed, match="plan") as error:
        shop.night(D1)
    assert str(error.value.__cause__) == "there are no events on or before 2019-10-01; the first are on 2019-10-02."


def test_second_night_at_the_same_time_is_refused(shop: Shop) -> None:
    with (
        night_connection(shop.settings),
        pytest.raises(NightAlreadyRunning, match=r"another night runs since \d\d:\d\d:\d\d UTC"),
    ):
        shop.night(D1)
    with night_connection(shop.settings):
        pass  # the lock is free again
