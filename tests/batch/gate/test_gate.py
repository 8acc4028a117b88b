"""The gate in a night on real stores: a failed check stops the night, is recorded, and can be accepted; and a difference between
the stores fails the checks that compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from pyspark.sql import functions as F

from batch import night as nights
from batch.explain import explain
from batch.gate import checks
from batch.gate import verdict as gate
from batch.gate.checks import Figures
from batch.gate.figures import NightWork, gather_figures
from batch.gate.verdict import GateClosed, judge
from batch.hdfs import compact as compaction
from batch.hdfs.tables import read_customers, write_customers
from batch.night import Night, publish_day
from batch.steps import StepFailed
from batch.stores import publish
from batch.stores.mart import night_connection
from cdp.mart.charts import RFM_DAY
from cdp.mart.daily import CUSTOMER_DAY
from cdp.mart.table import Table
from cdp.settings import load
from tests import databases
from tests.batch.first_night import FirstNight
from tests.batch.gate.stream import Stream
from tests.batch.shop import D1, D2, NOW, Shop, on

pytestmark = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark]

D4 = date(2019, 10, 4)
LAST_CHECKS = "SELECT state, checks FROM mart.night_run ORDER BY id DESC LIMIT 1"


def night(shop: Shop, *accept: str) -> None:
    """The night of a day without events."""
    accepted = gate.accept(accept, "it is meant" if accept else "", NOW)
    with night_connection(shop.settings) as connection:
        publish_day(Night(shop.settings, shop.spark, connection, lambda: NOW, shop.said.append, accepted), D4)


def run_explain(shop: Shop, day: date | None = None) -> tuple[int, list[str]]:
    """The exit status, and the lines."""
    lines: list[str] = []
    return explain(shop.settings, day, lines.append), lines


def test_without_a_night_there_is_nothing_to_explain() -> None:
    lines: list[str] = []
    with databases.database(load()) as settings:
        assert explain(settings, None, lines.append) == 1
    assert lines == ["no night has run yet"]


def test_failed_check_keeps_the_publication_and_can_be_explained_and_accepted(
    published: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream continues while the nights run, and a compaction was killed before it was recorded. Neither fails a check."""
    shop, before = published, published.seen()
    status, lines = run_explain(shop)
    assert (status, lines[0]) == (0, "night 2019-10-02: published")
    assert len([line for line in lines if line.startswith("  ok ")]) == len(checks.CHECKS)

    stream = Stream(shop, batch=0)
    stream.write_ledger(5)
    stream.write(on(2, "dan", event_id="dan"))
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "record_compactions", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            compaction.compact(shop.spark, shop.settings, D2, NOW)
    read = nights.read_events

    def read_after_stream(*arguments: Any) -> Any:
        stream.write(on(2, "eve", event_id="eve"), on(2, "fay", event_id="fay"))
        return read(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(nights, "read_events", read_after_stream)
        with pytest.raises(StepFailed, match=r"^gate$") as error:
            night(shop)
    assert isinstance(error.value.__cause__, GateClosed)
    ((state, outcomes),) = shop.rows(LAST_CHECKS)
    assert (state, {check["name"] for check in outcomes if check["state"] == "failed"}) == ("failed", {"freshness"})
    (ledger,) = [check["says"] for check in outcomes if check["name"] == "ledger"]
    assert ledger == "all 6 accepted events are stored: none lost, none counted twice"
    assert shop.seen() == before

    status, lines = run_explain(shop)
    assert (status, lines[0]) == (1, "night 2019-10-04: failed")
    (line,) = [line for line in lines if line.startswith("  failed    freshness")]
    assert "there are no events on 2019-10-04; the last day with events is 2019-10-03" in line
    assert "serving: publication 1 of 2019-10-02, since 2026-01-01 00:00:00 UTC" in lines
    assert lines[-2:] == ["  ./run night --day 2019-10-04", '  ./run night --day 2019-10-04 --accept freshness --why "..."']

    night(shop, "freshness", "volume")
    ((outcomes, published_day),) = shop.rows("SELECT checks, day FROM mart.publication ORDER BY id DESC LIMIT 1")
    assert published_day == D4
    assert set(shop.profiles()) == {"ann", "bob", "cid", "dan", "eve", "fay"}
    (accepted,) = [check["accepted"] for check in outcomes if check["state"] == "accepted"]
    override = {"check": "freshness", "who": gate.find_login_name(), "why": "it is meant", "at": "2026-01-01T00:00:00+00:00"}
    assert accepted == override
    status, lines = run_explain(shop)
    assert status == 0
    assert f"accepted by {gate.find_login_name()} on 2026-01-01T00:00:00+00:00: it is meant" in "\n".join(lines)
    assert f"  {gate.find_login_name()} accepted volume, which was not needed" in lines
    assert run_explain(shop, D2)[1][0] == "night 2019-10-02: published"
    assert run_explain(shop, D1) == (1, ["no night has run for 2019-10-01"])


@dataclass(frozen=True)
class LastStep:
    """A night that failed in its last statement: all that it wrote is there, but not published."""

    shop: Shop
    work: NightWork
    before: dict[str, Any]  # what readers saw before it

    def gather(self, **changes: Any) -> Figures:
        with night_connection(self.shop.settings) as connection:
            return gather_figures(connection, self.shop.settings, replace(self.work, **changes), lambda: None)

    def find_failed(self, **changes: Any) -> set[str]:
        return {outcome.name for outcome in judge(self.gather(**changes), ()) if outcome.state == "failed"}

    @contextmanager
    def change(self, table: Table, statement: str) -> Iterator[None]:
        """The rows that wait for publication, changed."""
        name = table.next_name
        self.shop.rows(f"CREATE TABLE original AS TABLE {name}; {statement.format(next=name)} RETURNING 1")
        yield
        self.shop.rows(f"DELETE FROM {name}; INSERT INTO {name} TABLE original; DROP TABLE original; SELECT 1")


@pytest.fixture(scope="module")
def last_step(first_night: FirstNight, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LastStep]:
    works: list[NightWork] = []

    def gather(connection: Any, settings: Any, work: NightWork, *rest: Any) -> Figures:
        works.append(work)
        return gather_figures(connection, settings, work, *rest)

    def fail(*_: Any) -> None:
        raise psycopg2.OperationalError("cut off here")

    with first_night.copy(hdfs_url=f"file:{tmp_path_factory.mktemp('last-step')}") as shop, pytest.MonkeyPatch.context() as patch:
        shop.receive(on(1, "bob", event_type="purchase"), on(1, "dan"))
        before = shop.seen()
        patch.setattr(nights, "gather_figures", gather)
        patch.setattr(publish, "_insert_publication", fail)
        with pytest.raises(StepFailed, match=r"^publication$"):
            shop.night(D2)
        patch.undo()
        yield LastStep(shop, works[0], before)


class TestStoresThatDiffer:
    """Each difference is made in what a night has written. The last test publishes it."""

    def test_failure_in_the_last_statement_changes_nothing(self, last_step: LastStep) -> None:
        assert last_step.shop.seen() == last_step.before
        ((state, reason),) = last_step.shop.rows("SELECT state, reason FROM mart.night_run ORDER BY id DESC LIMIT 1")
        assert (state, reason) == ("failed", "Postgres: cut off here")

    def test_equal_stores_pass_and_earlier_days_are_those_that_were_published(self, last_step: LastStep) -> None:
        assert last_step.find_failed() == set()
        figures = last_step.gather()
        assert [(day.day, day.events, day.money) for day in figures.restated_days] == [(D1, 3, Decimal("10.00"))]
        assert (figures.volumes, figures.quiet) == ({D1: 3, D2: 2}, {D1: 11})
        assert (figures.rows_read, figures.copies) == (4, 1)

    @pytest.mark.parametrize(
        ("table", "statement", "failed"),
        [
            (CUSTOMER_DAY, "UPDATE {next} SET revenue = revenue + 1 WHERE customer_id = 'bob'", {"money", "sums"}),
            (CUSTOMER_DAY, "UPDATE {next} SET min_order_value = NULL WHERE customer_id = 'bob'", {"nulls"}),
            (CUSTOMER_DAY, "DELETE FROM {next} WHERE customer_id = 'dan'", {"rows", "sums"}),
            (RFM_DAY, "UPDATE {next} SET gross_revenue = gross_revenue + 1", {"sums"}),
        ],
    )
    def test_difference_in_postgres_fails_its_checks(
        self, last_step: LastStep, table: Table, statement: str, failed: set[str]
    ) -> None:
        with last_step.change(table, statement):
            assert last_step.find_failed() == failed
        assert last_step.find_failed() == set()

    @pytest.mark.parametrize(
        ("change", "failed"),
        [
            (lambda rows: rows.union(rows.withColumn("lifecycle", F.lit(None))), {"unique", "snapshot", "nulls"}),
            (lambda rows: rows.where("customer_id <> 'ann'"), {"snapshot"}),
        ],
        ids=["every customer twice", "without Ann"],
    )
    def test_difference_in_the_snapshot_fails_its_checks(
        self, last_step: LastStep, change: Callable[[Any], Any], failed: set[str]
    ) -> None:
        shop = last_step.shop
        rows = read_customers(shop.spark, shop.settings, last_step.work.customers_version)
        version = write_customers(change(rows), shop.settings, "{}")
        assert last_step.find_failed(customers_version=version) == failed

    def test_next_night_publishes_and_leaves_no_staging_table(self, last_step: LastStep) -> None:
        shop = last_step.shop
        shop.night(D2)
        assert shop.rows("SELECT sum(revenue) FROM mart.customer_day") == [(Decimal("30.00"),)]
        assert set(shop.profiles()) == {"ann", "bob", "dan"}
        assert shop.rows("SELECT count(*) FROM pg_tables WHERE tablename LIKE '%next%'") == [(0,)]
