"""The gate in a night on real stores: a difference between the stores stops the night, is recorded, and can be accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from pyspark.sql import functions as F

from batch import night as nights
from batch.explain import explain
from batch.gate import checks
from batch.gate import verdict as gate
from batch.gate.verdict import GateClosed
from batch.hdfs import compact as compaction
from batch.night import Night, publish_day
from batch.steps import StepFailed
from batch.stores.mart import night_connection
from batch.stores.staging import Staging
from cdp.lake.paths import EVENTS, table_url
from cdp.mart.daily import CUSTOMER_DAY
from cdp.mart.table import Table
from tests.batch.shop import D1, D2, D3, NOW, Shop, on, shop

__all__ = ["shop"]

pytestmark = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark]

STREAM = "a-stream"
LAST_CHECKS = "SELECT state, checks FROM mart.night_run ORDER BY id DESC LIMIT 1"


def night(shop: Shop, day: date, *accept: str) -> None:
    accepted = gate.accept(accept, "it is meant" if accept else "", NOW)
    with night_connection(shop.settings) as connection:
        publish_day(Night(shop.settings, shop.spark, connection, lambda: NOW, shop.said.append, accepted), day)


def run_stopped_night(shop: Shop, day: date) -> set[str]:
    """Run a night that must stop at the gate. Returns the names of the failed checks."""
    with pytest.raises(StepFailed, match=r"^gate$") as error:
        night(shop, day)
    assert isinstance(error.value.__cause__, GateClosed)
    ((state, outcomes),) = shop.rows(LAST_CHECKS)
    assert state == "failed"
    return {check["name"] for check in outcomes if check["state"] == "failed"}


def run_explain(shop: Shop, day: date | None = None) -> tuple[int, list[str]]:
    """The exit status, and the lines."""
    lines: list[str] = []
    return explain(shop.settings, day, lines.append), lines


def test_failed_check_keeps_the_publication_and_can_be_explained_and_accepted(shop: Shop) -> None:
    assert run_explain(shop) == (1, ["no night has run yet"])
    shop.receive(on(1), on(2))
    night(shop, D2)
    before = shop.seen()
    status, lines = run_explain(shop)
    assert (status, lines[0]) == (0, "night 2019-10-02: published")
    assert len([line for line in lines if line.startswith("  ok ")]) == len(checks.CHECKS)

    assert run_stopped_night(shop, D3) == {"freshness"}
    assert shop.seen() == before
    status, lines = run_explain(shop)
    assert (status, lines[0]) == (1, "night 2019-10-03: failed")
    (line,) = [line for line in lines if line.startswith("  failed    freshness")]
    assert "there are no events on 2019-10-03; the last day with events is 2019-10-02" in line
    assert "serving: publication 1 of 2019-10-02, since 2026-01-01 00:00:00 UTC" in lines
    assert lines[-2:] == ["  ./run night --day 2019-10-03", '  ./run night --day 2019-10-03 --accept freshness --why "..."']

    night(shop, D3, "freshness", "volume")
    ((outcomes, published_day),) = shop.rows("SELECT checks, day FROM mart.publication ORDER BY id DESC LIMIT 1")
    assert published_day == D3
    (accepted,) = [check["accepted"] for check in outcomes if check["state"] == "accepted"]
    override = {"check": "freshness", "who": gate.find_login_name(), "why": "it is meant", "at": "2026-01-01T00:00:00+00:00"}
    assert accepted == override
    status, lines = run_explain(shop)
    assert status == 0
    assert f"accepted by {gate.find_login_name()} on 2026-01-01T00:00:00+00:00: it is meant" in "\n".join(lines)
    assert f"  {gate.find_login_name()} accepted volume, which was not needed" in lines
    assert run_explain(shop, D2)[1][0] == "night 2019-10-02: published"
    assert run_explain(shop, D1) == (1, ["no night has run for 2019-10-01"])


def test_differences_between_the_stores_stop_the_night(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.receive(on(1), on(2, event_type="purchase"))
    night(shop, D2)
    before = shop.seen()
    shop.receive(on(1, "bob", event_type="purchase"), on(2, "cid"))

    fill = Staging.fill

    def fill_and_run(statement: str) -> Callable[..., int]:
        def fill_then_run(self: Staging, tables: Sequence[Table], *arguments: Any) -> int:
            rows = fill(self, tables, *arguments)
            with self.connection, self.connection.cursor() as cursor:
                if CUSTOMER_DAY in tables:
                    cursor.execute(statement.format(next=CUSTOMER_DAY.next_name))
            return rows

        return fill_then_run

    def change_customers(change: Callable[[Any], Any]) -> Callable[..., int]:
        write = nights.write_customers
        return lambda frame, *rest: write(change(frame), *rest)

    # Each night has several faults, because a whole night is what costs time; every check between stores fails in one of them.
    faults = (
        (Staging, "fill", fill_and_run("UPDATE {next} SET revenue = revenue + 1 WHERE customer_id = 'bob'"), {"money", "sums"}),
        (
            Staging,
            "fill",
            fill_and_run(
                "UPDATE {next} SET min_order_value = NULL WHERE customer_id = 'bob'; DELETE FROM {next} WHERE customer_id = 'cid'"
            ),
            {"nulls", "rows", "sums"},
        ),
        (
            nights,
            "write_customers",
            change_customers(lambda frame: frame.union(frame.withColumn("lifecycle", F.lit(None).cast("string")))),
            {"unique", "snapshot", "sums", "nulls"},
        ),
    )
    for owner, name, replacement, expected in faults:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, replacement)
            assert run_stopped_night(shop, D2) == expected, name
        assert shop.seen() == before
    night(shop, D2)
    assert set(shop.profiles()) == {"ann", "bob", "cid"}


def test_day_unlike_its_weekday_stops_the_night_until_more_events_arrive(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SMALL", 0)
    days = [date(2019, 10, day) for day in (1, 8, 15, 22)]
    shop.receive(*(on(day.day, event_id=f"{day}-{number}") for day in days for number in range(7 if day.day < 22 else 2)))
    assert run_stopped_night(shop, days[-1]) == {"volume"}
    shop.receive(on(22, "bob"))
    night(shop, days[-1])
    ((_, outcomes),) = shop.rows(LAST_CHECKS)
    (volume,) = [check for check in outcomes if check["name"] == "volume"]
    assert volume["says"] == "3 events; a usual Tuesday has 7 (median of 3 weeks)"


class Stream:
    """Writes batches as the stream does: into the events, and then into the ledger."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.batch = -1

    def write(self, *events: dict[str, Any], in_ledger: bool = True, good: int | None = None) -> None:
        self.batch += 1
        named = [{"event_id": f"{self.batch}-{place}"} | event for place, event in enumerate(events)]
        writer = self.shop._events(*named).write.format("delta").mode("append").partitionBy("event_day")
        writer.option("txnAppId", STREAM).option("txnVersion", self.batch).save(table_url(self.shop.settings, EVENTS))
        if in_ledger:
            self.write_ledger(len(events) if good is None else good)

    def write_ledger(self, good: int) -> None:
        self.shop.rows(
            "INSERT INTO mart.stream_ledger (stream, batch, topic, hour, received, good, quarantined, reasons, late, partitions)"
            f" VALUES ('{STREAM}', {self.batch}, 't', '2019-10-03 05:00Z', {good}, {good}, 0, '{{}}', '{{}}', '{{}}') RETURNING 1"
        )

    def read_check(self) -> str:
        """What the ledger check of the last night says."""
        ((_, outcomes),) = self.shop.rows(LAST_CHECKS)
        (says,) = [check["says"] for check in outcomes if check["name"] == "ledger"]
        return str(says)


def test_events_are_compared_with_the_ledger_of_the_stream(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with night_connection(shop.settings):
        pass  # this creates the tables, as any stream does
    stream = Stream(shop)
    stream.write(on(1), on(2), on(2, event_id="0-1"))
    night(shop, D2)
    assert stream.read_check() == "good 3 + replayed 0 = rows 3 + copies that compaction dropped 0"

    # A compaction that is killed before it is recorded.
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "record_compactions", lambda *_: 1 / 0)
        shop.run_maintenance(D2)
    stream.write(on(1, "bob"))
    night(shop, D2)
    assert stream.read_check() == "good 4 + replayed 0 = rows 3 + copies that compaction dropped 1"

    # The stream continues while a night runs: the night ignores its new rows in both tables.
    read = nights.read_events

    def read_after_stream(*arguments: Any) -> Any:
        monkeypatch.setattr(nights, "read_events", read)
        stream.write(on(2, "dan"), on(2, "eve"))
        return read(*arguments)

    stream.write(on(2, "cid"))
    monkeypatch.setattr(nights, "read_events", read_after_stream)
    night(shop, D2)
    assert stream.read_check() == "good 5 + replayed 0 = rows 4 + copies that compaction dropped 1"

    # A batch that is not in the ledger yet.
    stream.write(on(2, "fay"), in_ledger=False)
    night(shop, D2)
    assert stream.read_check().endswith("the stream's last batch is not in its ledger yet")
    stream.write_ledger(1)

    # A lost event: the ledger counts two.
    stream.write(on(2, "gil"), good=2)
    assert run_stopped_night(shop, D2) == {"ledger"}
    assert stream.read_check() == "good 10 + replayed 0 ≠ rows 8 + copies that compaction dropped 1"


def test_replayed_events_are_not_counted_as_good_messages(shop: Shop) -> None:
    with night_connection(shop.settings):
        pass
    stream = Stream(shop)
    stream.write(on(1), on(2))
    quarantine = shop.spark.createDataFrame(
        [("r1", "t", 0, offset, NOW.replace(tzinfo=None)) for offset in (1, 1, 2)]
        + [(None, "t", 0, 3, NOW.replace(tzinfo=None))],
        "replay_id string, kafka_topic string, kafka_partition int, kafka_offset bigint, received_at timestamp",
    )
    quarantine.write.format("delta").save(table_url(shop.settings, "quarantine"))
    writer = shop._events(on(2, "bob", event_id="a"), on(2, "bob", event_id="b")).write.format("delta").mode("append")
    writer.option("txnAppId", "r1").option("txnVersion", 0).save(table_url(shop.settings, EVENTS))
    night(shop, D2)
    assert stream.read_check() == "good 2 + replayed 2 = rows 4 + copies that compaction dropped 0"
