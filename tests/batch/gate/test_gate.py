"""The gate in a night on real stores: what is wrong between the stores stops it, is on record, and can be accepted."""

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
from cdp.paths import EVENTS, table_url
from cdp.table import Table
from cdp.warehouse import CUSTOMER_DAY
from tests.batch.shop import D1, D2, D3, NOW, Shop, on, shop

__all__ = ["shop"]

pytestmark = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark]

STREAM = "a-stream"
LAST_CHECKS = "SELECT state, checks FROM mart.night_run ORDER BY id DESC LIMIT 1"


def night(shop: Shop, day: date, *accept: str) -> None:
    accepted = gate.accept(accept, "it is meant" if accept else "", NOW)
    with night_connection(shop.settings) as connection:
        publish_day(Night(shop.settings, shop.spark, connection, lambda: NOW, shop.said.append, accepted), day)


def stopped(shop: Shop, day: date) -> set[str]:
    """The checks that keep a night from its publication."""
    with pytest.raises(StepFailed, match=r"^gate$") as failed:
        night(shop, day)
    assert isinstance(failed.value.__cause__, GateClosed)
    ((state, found),) = shop.rows(LAST_CHECKS)
    assert state == "failed"
    return {check["name"] for check in found if check["state"] == "failed"}


def explained(shop: Shop, day: date | None = None) -> tuple[int, list[str]]:
    said: list[str] = []
    return explain(shop.settings, day, said.append), said


def test_failed_check_keeps_the_publication_is_explained_and_can_be_accepted(shop: Shop) -> None:
    assert explained(shop) == (1, ["no night was begun yet"])
    shop.receive(on(1), on(2))
    night(shop, D2)
    seen = shop.seen()
    code, said = explained(shop)
    assert (code, said[0]) == (0, "night 2019-10-02: published")
    assert len([line for line in said if line.startswith("  ok ")]) == len(checks.CHECKS)

    assert stopped(shop, D3) == {"freshness"}
    assert shop.seen() == seen
    code, said = explained(shop)
    assert (code, said[0]) == (1, "night 2019-10-03: failed")
    (line,) = [line for line in said if line.startswith("  failed    freshness")]
    assert "there is no event of 2019-10-03; the last day with one is 2019-10-02" in line
    assert "serves: publication 1 of 2019-10-02, since 2026-01-01 00:00:00 UTC" in said
    assert said[-2:] == ["  ./run night --day 2019-10-03", '  ./run night --day 2019-10-03 --accept freshness --why "..."']

    night(shop, D3, "freshness", "volume")
    ((found, counted),) = shop.rows("SELECT checks, day FROM mart.publication ORDER BY id DESC LIMIT 1")
    assert counted == D3
    (accepted,) = [check["accepted"] for check in found if check["state"] == "accepted"]
    override = {"check": "freshness", "who": gate.login_name(), "why": "it is meant", "at": "2026-01-01T00:00:00+00:00"}
    assert accepted == override
    code, said = explained(shop)
    assert code == 0
    assert f"accepted by {gate.login_name()} on 2026-01-01T00:00:00+00:00: it is meant" in "\n".join(said)
    assert f"  volume was to be accepted by {gate.login_name()}, and had no need of it" in said
    assert explained(shop, D2)[1][0] == "night 2019-10-02: published"
    assert explained(shop, D1) == (1, ["no night of 2019-10-01 was begun"])


def test_what_is_wrong_between_the_stores_is_found(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.receive(on(1), on(2, event_type="purchase"))
    night(shop, D2)
    seen = shop.seen()
    shop.receive(on(1, "bob", event_type="purchase"), on(2, "cid"))

    fill = Staging.fill

    def staged_then(statement: str) -> Callable[..., int]:
        def instead(self: Staging, tables: Sequence[Table], *given: Any) -> int:
            rows = fill(self, tables, *given)
            with self.connection, self.connection.cursor() as cursor:
                if CUSTOMER_DAY in tables:
                    cursor.execute(statement.format(next=CUSTOMER_DAY.next_name))
            return rows

        return instead

    def customers_then(change: Callable[[Any], Any]) -> Callable[..., int]:
        write = nights.write_customers
        return lambda frame, *rest: write(change(frame), *rest)

    def unnamed(frame: Any) -> Any:
        return frame.withColumn("lifecycle", F.lit(None).cast("string"))

    wrong: Sequence[tuple[Any, str, Any, set[str]]] = (
        (Staging, "fill", staged_then("UPDATE {next} SET revenue = revenue + 1 WHERE customer_id = 'bob'"), {"money", "sums"}),
        (Staging, "fill", staged_then("DELETE FROM {next} WHERE customer_id = 'cid'"), {"rows", "sums"}),
        (Staging, "fill", staged_then("UPDATE {next} SET min_order_value = NULL WHERE customer_id = 'bob'"), {"nulls"}),
        (nights, "write_customers", customers_then(lambda frame: frame.where("customer_id <> 'cid'")), {"snapshot"}),
        (nights, "write_customers", customers_then(lambda frame: frame.union(frame)), {"unique", "snapshot", "sums"}),
        (
            nights,
            "write_customers",
            customers_then(lambda frame: frame.withColumn("lifecycle", F.lit(None).cast("string"))),
            {"nulls"},
        ),
    )
    for where, name, instead, expected in wrong:
        with monkeypatch.context() as patch:
            patch.setattr(where, name, instead)
            assert stopped(shop, D2) == expected, name
        assert shop.seen() == seen
    night(shop, D2)
    assert set(shop.profiles()) == {"ann", "bob", "cid"}


def test_day_unlike_its_weekday_stops_and_new_days_count_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SMALL", 0)
    days = [date(2019, 10, day) for day in (1, 8, 15, 22)]
    shop.receive(*(on(day.day, event_id=f"{day}-{number}") for day in days for number in range(7 if day.day < 22 else 2)))
    assert stopped(shop, days[-1]) == {"volume"}
    shop.receive(on(22, "bob"))
    night(shop, days[-1])
    ((_, found),) = shop.rows(LAST_CHECKS)
    (volume,) = [check for check in found if check["name"] == "volume"]
    assert volume["says"] == "3 events, usual on a Tuesday are 7 (the middle of 3 weeks)"


class Stream:
    """Batches as the stream writes them: into the events, and then into the ledger."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.batch = -1

    def writes(self, *events: dict[str, Any], in_ledger: bool = True, good: int | None = None) -> None:
        self.batch += 1
        named = [{"event_id": f"{self.batch}-{place}"} | event for place, event in enumerate(events)]
        writer = self.shop._events(*named).write.format("delta").mode("append").partitionBy("event_day")
        writer.option("txnAppId", STREAM).option("txnVersion", self.batch).save(table_url(self.shop.settings, EVENTS))
        if in_ledger:
            self.tells(len(events) if good is None else good)

    def tells(self, good: int) -> None:
        self.shop.rows(
            "INSERT INTO mart.stream_ledger (stream, batch, topic, hour, received, good, quarantined, reasons, late, partitions)"
            f" VALUES ('{STREAM}', {self.batch}, 't', '2019-10-03 05:00Z', {good}, {good}, 0, '{{}}', '{{}}', '{{}}') RETURNING 1"
        )

    def ledger(self) -> str:
        ((_, found),) = self.shop.rows(LAST_CHECKS)
        (told,) = [check["says"] for check in found if check["name"] == "ledger"]
        return str(told)


def test_events_are_held_against_the_ledger_of_the_stream(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with night_connection(shop.settings):
        pass  # the tables are there, as after any stream
    stream = Stream(shop)
    stream.writes(on(1), on(2), on(2, event_id="0-1"))
    night(shop, D2)
    assert stream.ledger() == "good 3 + replayed 0 = rows 3 + copies that compaction dropped 0"

    # A compaction that is killed before its book knows of it.
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "write_down", lambda *_: 1 / 0)
        shop.keep_house(D2)
    stream.writes(on(1, "bob"))
    night(shop, D2)
    assert stream.ledger() == "good 4 + replayed 0 = rows 3 + copies that compaction dropped 1"

    # The stream goes on while a night runs: neither its table nor its ledger are of this night.
    read = nights.read_events

    def stream_goes_on(*arguments: Any) -> Any:
        monkeypatch.setattr(nights, "read_events", read)
        stream.writes(on(2, "dan"), on(2, "eve"))
        return read(*arguments)

    stream.writes(on(2, "cid"))
    monkeypatch.setattr(nights, "read_events", stream_goes_on)
    night(shop, D2)
    assert stream.ledger() == "good 5 + replayed 0 = rows 4 + copies that compaction dropped 1"

    # A batch that the stream has not written down yet.
    stream.writes(on(2, "fay"), in_ledger=False)
    night(shop, D2)
    assert stream.ledger().endswith("the stream's last batch is not in its ledger yet")
    stream.tells(1)

    # Lost: the ledger says that there were two.
    stream.writes(on(2, "gil"), good=2)
    assert stopped(shop, D2) == {"ledger"}
    assert stream.ledger() == "good 10 + replayed 0 ≠ rows 8 + copies that compaction dropped 1"


def test_replayed_events_are_no_good_messages_of_the_stream(shop: Shop) -> None:
    with night_connection(shop.settings):
        pass
    stream = Stream(shop)
    stream.writes(on(1), on(2))
    quarantine = shop.spark.createDataFrame(
        [("r1", "t", 0, offset, NOW.replace(tzinfo=None)) for offset in (1, 1, 2)]
        + [(None, "t", 0, 3, NOW.replace(tzinfo=None))],
        "replay_id string, kafka_topic string, kafka_partition int, kafka_offset bigint, received_at timestamp",
    )
    quarantine.write.format("delta").save(table_url(shop.settings, "quarantine"))
    writer = shop._events(on(2, "bob", event_id="a"), on(2, "bob", event_id="b")).write.format("delta").mode("append")
    writer.option("txnAppId", "r1").option("txnVersion", 0).save(table_url(shop.settings, EVENTS))
    night(shop, D2)
    assert stream.ledger() == "good 2 + replayed 2 = rows 4 + copies that compaction dropped 0"
