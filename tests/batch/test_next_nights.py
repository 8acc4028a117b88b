"""Nights after the first one, on real stores. A night takes seconds, so a few of them carry many claims: each story runs once,
and its tests read what it left."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from deltalake import DeltaTable

from batch import night as nights
from batch.hdfs.tables import read_changed_days
from batch.stores.mart import night_connection
from cdp.lake.paths import CUSTOMER_DAY, CUSTOMERS, INTERACTIONS, table_url
from cdp.mart import daily as mart
from cdp.mart.charts import BRAND_DAY, COHORT_MONTH, HOUR_DAY, PRODUCT_DAY, RFM_DAY, RFM_FLOW
from cdp.mart.daily import KPI_DAY, TABLES, replaced
from cdp.mart.table import Table
from tests.batch.first_night import FirstNight
from tests.batch.shop import D1, D2, D3, LAST_STATE, NUMBERS, Shop, on

pytestmark = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark]

RESTATED = "SELECT counts->'days_restated' FROM mart.publication ORDER BY id"


@dataclass(frozen=True)
class ThirdDay:
    """The third day is published three times. The states are what readers saw after a step."""

    shop: Shop
    during: dict[str, Any]  # the first night, while which an event of the second day arrived
    after: dict[str, Any]  # the second night, which processes that event
    changed: dict[str, frozenset[date] | None]  # the days that it wrote, by table
    compacted: dict[str, Any]  # the same, after a compaction
    run_state: str  # of a night without new events, after the compaction
    everything: dict[str, Any]  # a night over everything, which reads compacted events


def read_columns(state: dict[str, Any], table: Table, *columns: str) -> list[tuple[Any, ...]]:
    places = [table.column_names.index(column) for column in columns]
    return [tuple(row[place] for place in places) for row in state[table.name]]


@pytest.fixture(scope="module")
def third(first_night: FirstNight, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThirdDay]:
    with first_night.copy(hdfs_url=f"file:{tmp_path_factory.mktemp('third-day')}") as shop:
        # No event stands behind these rows.
        for table, row in (
            ("brand_day", "'ghost', 1, 0, 0, 0, 1, 0, 0, 0, 0, 0"),
            ("hour_day", "5, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0"),
        ):
            shop.rows(f"INSERT INTO mart.{table} VALUES ('{D1}', {row}), ('{D2}', {row}) RETURNING 1")
        shop.receive(on(1, "bob", event_type="purchase"), on(3, "bob", event_type="purchase"), on(3, "dan", event_type="refund"))
        read = nights.read_events

        def read_after_stream(*arguments: Any) -> Any:
            shop.receive(on(2, "cid", event_type="purchase"))
            return read(*arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nights, "read_events", read_after_stream)
            shop.night(D3)
        during = shop.seen()
        shop.night(D3)
        after = shop.seen() | shop.numbers()
        tables = {name: DeltaTable(table_url(shop.settings, name)) for name in (CUSTOMER_DAY, INTERACTIONS)}
        changed = {name: read_changed_days(table, table.version() - 1) for name, table in tables.items()}
        shop.run_maintenance(D3)
        compacted = shop.seen() | shop.numbers()
        shop.night(D3)
        ((run_state,),) = shop.rows(LAST_STATE)
        shop.night(D3, everything=True)
        yield ThirdDay(shop, during, after, changed, compacted, run_state, shop.numbers())


class TestThirdDay:
    def test_event_that_arrives_while_a_night_runs_restates_its_own_day_in_the_next_night(self, third: ThirdDay) -> None:
        assert third.shop.rows(RESTATED) == [(2,), (2,), (1,), (3,)]
        assert third.changed == {CUSTOMER_DAY: {D2}, INTERACTIONS: {D2}}

    def test_customer_whose_first_day_moves_is_new_on_the_earlier_day_alone(self, third: ThirdDay) -> None:
        columns = ("day", "events", "new_customers", "revenue")
        assert read_columns(third.during, KPI_DAY, *columns) == [
            (D1, 2, 2, Decimal("10.00")),  # Bob, who was new on the second day
            (D2, 2, 0, Decimal("20.00")),
            (D3, 3, 2, Decimal("0.00")),
        ]
        assert read_columns(third.after, KPI_DAY, *columns) == [
            (D1, 2, 2, Decimal("10.00")),
            (D2, 3, 1, Decimal("30.00")),  # Cid, who was new on the third day
            (D3, 3, 1, Decimal("0.00")),
        ]
        assert third.during["profiles"]["cid"]["first_seen"] == "2019-10-03"
        assert third.after["profiles"]["cid"]["first_seen"] == "2019-10-02"

    def test_rows_of_restated_days_are_replaced_and_others_stay(self, third: ThirdDay) -> None:
        for table, column, ghost in ((BRAND_DAY, "brand", "ghost"), (HOUR_DAY, "hour", 5)):
            rows = read_columns(third.during, table, "day", column)
            assert [day for day, value in rows if value == ghost] == [D2], table.name

    def test_charts_count_refunds_and_customers_as_declared(self, third: ThirdDay) -> None:
        kpis = read_columns(third.during, KPI_DAY, "gross_revenue", "revenue", "refunds")
        assert [sum(values) for values in zip(*kpis, strict=True)] == [40, 30, 1]
        # rfm_day does not count the refund of a customer who never ordered.
        rfm: dict[date, tuple[int, Decimal]] = {}
        for day, customers, revenue in read_columns(third.during, RFM_DAY, "day", "customers", "revenue"):
            count, total = rfm.get(day, (0, Decimal(0)))
            rfm[day] = (count + customers, total + revenue)
        assert rfm == {D2: (1, Decimal("20.00")), D3: (2, Decimal("40.00"))}
        assert read_columns(third.during, COHORT_MONTH, "customers", "buyers", "orders") == [(4, 2, 3)]
        flows: Counter[tuple[date, bool, bool]] = Counter()
        for day, since, before, now, customers in read_columns(
            third.during, RFM_FLOW, "day", "since", "from_group", "to_group", "customers"
        ):
            if since == "day":
                flows[day, bool(before), bool(now)] += customers
        assert flows == {(D2, False, False): 1, (D2, False, True): 1, (D3, False, False): 2, (D3, True, True): 2}

    def test_compaction_changes_nothing_for_readers_and_needs_no_night(self, third: ThirdDay) -> None:
        assert third.shop.said[-1].startswith("  publication")
        (line,) = [line for line in third.shop.said if line.startswith("  compaction")]
        assert line.endswith("3 days, 7 files merged into 3, 1 copies dropped")
        assert third.compacted == third.after
        assert third.run_state == "needless"

    def test_night_over_everything_gives_the_same_and_doubles_no_row(self, third: ThirdDay) -> None:
        assert third.everything == {name: third.after[name] for name in NUMBERS}


@dataclass(frozen=True)
class OtherDays:
    """The third day, the first, and the third again with tables of an earlier version. The states are what readers saw."""

    shop: Shop
    third: dict[str, Any]
    first: dict[str, Any]
    opened: dict[str, Any]  # the same, after the conversion of the tables in Postgres
    again: dict[str, Any]


@pytest.fixture(scope="module")
def other_days(first_night: FirstNight, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherDays]:
    with first_night.copy(hdfs_url=f"file:{tmp_path_factory.mktemp('other-days')}") as shop:
        forget_removals(shop)
        shop.receive(on(3, event_type="remove_from_cart"))
        shop.night(D3)
        third = shop.seen()
        shop.receive(on(1, "dan"), on(3, "eve"))
        shop.night(D1)
        first = shop.seen()
        make_old_layout(shop)
        with night_connection(shop.settings):
            opened = shop.seen()
        shop.night(D3)
        yield OtherDays(shop, third, first, opened, shop.seen())


def forget_removals(shop: Shop) -> None:
    """As if removals had not been counted so far: the tables lack the column."""
    url = table_url(shop.settings, CUSTOMER_DAY)
    old_rows = shop.spark.read.format("delta").load(url).drop("removals")
    writer = old_rows.write.format("delta").mode("overwrite").option("partitionOverwriteMode", "static").partitionBy("month")
    writer.option("overwriteSchema", "true").save(url)
    tables = [table.full_name for table in TABLES if "removals" in table.column_names]
    shop.rows(f"{'; '.join(f'ALTER TABLE {name} DROP COLUMN removals' for name in tables)}; SELECT 1")


def make_old_layout(shop: Shop) -> None:
    """An earlier version had a partition for each day in Postgres a folder for each day on HDFS, and no interactions."""
    url = table_url(shop.settings, CUSTOMER_DAY)
    rows = shop.spark.read.format("delta").load(url).drop("month").localCheckpoint()
    for name in (CUSTOMER_DAY, INTERACTIONS):
        shutil.rmtree(table_url(shop.settings, name).removeprefix("file:"))
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


class TestOtherDays:
    def test_a_new_event_type_counts_zero_on_earlier_days(self, other_days: OtherDays) -> None:
        for table in (mart.CUSTOMER_DAY, KPI_DAY, PRODUCT_DAY, HOUR_DAY):
            removals: Counter[date] = Counter()
            for day, count in read_columns(other_days.third, table, "day", "removals"):
                removals[day] += count
            assert removals == {D1: 0, D2: 0, D3: 1}, table.name
        profiles = other_days.third["profiles"]
        assert {customer: profiles[customer]["removals"] for customer in profiles} == {"ann": 1, "bob": 0, "cid": 0}

    def test_old_versions_stay_readable(self, other_days: OtherDays) -> None:
        query = "SELECT day, customers_version, profiles_collection FROM mart.publication ORDER BY id"
        publications = other_days.shop.rows(query)
        assert [(day, collection) for day, _, collection in publications] == [
            (D2, "profiles_a"), (D3, "profiles_b"), (D1, "profiles_a"), (D3, "profiles_b"),
        ]  # fmt: skip
        url = table_url(other_days.shop.settings, CUSTOMERS)
        counts = [DeltaTable(url, version=version).to_pyarrow_table().num_rows for _, version, _ in publications]
        assert counts == [2, 3, 2, 5]

    def test_publishing_an_earlier_day_drops_later_customers_but_no_event(self, other_days: OtherDays) -> None:
        assert set(other_days.first["profiles"]) == {"ann", "dan"}
        assert set(other_days.again["profiles"]) == {"ann", "bob", "cid", "dan", "eve"}
        assert read_columns(other_days.third, KPI_DAY, "day", "events") == [(D1, 1), (D2, 2), (D3, 2)]
        assert read_columns(other_days.first, KPI_DAY, "day", "events") == [(D1, 2), (D2, 2), (D3, 2)]
        assert read_columns(other_days.again, KPI_DAY, "day", "events") == [(D1, 2), (D2, 2), (D3, 3)]

    def test_tables_of_an_earlier_version_are_converted_and_their_days_computed_again(self, other_days: OtherDays) -> None:
        assert other_days.opened == other_days.first, "opening the connection loses nothing"
        kinds = "SELECT relkind::text FROM pg_class WHERE relname IN ('customer_day', 'product_day')"
        assert other_days.shop.rows(kinds) == [("r",), ("r",)]
        assert other_days.shop.rows(RESTATED) == [(2,), (1,), (1,), (3,)]
        for name in (CUSTOMER_DAY, INTERACTIONS):
            assert DeltaTable(table_url(other_days.shop.settings, name)).metadata().partition_columns == ["month"], name
        for table in replaced("restated days"):
            day = table.column_names.index("day")
            before, now = ([row for row in state[table.name] if row[day] < D3] for state in (other_days.first, other_days.again))
            assert now == before, table.name
            assert before, table.name
