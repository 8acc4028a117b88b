"""The parts of the night's benchmarks that can be tested without a night: parsed steps, the growing shop, batches, and the tables
of the peer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch.steps import Steps
from benchmarks.night_duckdb import COLUMNS, make_tables
from benchmarks.night_events import read_batches
from benchmarks.night_growth import GrowthPoint, make_shop, nth_day, report
from benchmarks.night_process import NightTimes, classify_process, parse_steps
from benchmarks.outcome import Outcome
from cdp.mart.charts import CHART_TABLES
from cdp.mart.daily import CUSTOMER_DAY, KPI_DAY
from source_server.history.shop import Shop
from source_server.intake import store
from tests.spark_session import utc

D1, D2 = date(2019, 5, 1), date(2019, 5, 2)


def test_steps_are_parsed_from_the_output_of_a_night() -> None:
    lines = ["night 2019-05-01 (1 of 2)"]
    steps = Steps(lines.append)
    for name in ("plan", "customer_day"):
        with steps.step(name) as note:
            note("2 of 3 s")
    steps.seconds = {"plan": 0.0, "customer_day": 0.0}
    assert parse_steps("\n".join(lines)) == steps.seconds


def test_readers_do_not_wait_for_compaction() -> None:
    assert NightTimes(20.0, {"plan": 1.0, "publication": 2.0, "compaction": 7.0}).published == 3.0


def test_processes_of_a_night_are_classified() -> None:
    assert classify_process("java -cp x org.apache.spark.deploy.SparkSubmit pyspark-shell") == "driver's JVM"
    assert classify_process("java org.apache.spark.executor.CoarseGrainedExecutorBackend --cores 2") == "executor's JVM"
    assert classify_process("python -m pyspark.daemon pyspark.worker") == "one Python of the executor"
    assert classify_process("java org.apache.spark.deploy.worker.Worker") == ""


def test_days_of_the_steady_shop_are_alike_and_those_of_the_generated_one_are_not() -> None:
    shop = make_shop(200_000)

    def count_visits(shop: Shop) -> set[int]:
        parts = shop.parts(nth_day(1), nth_day(122))
        return {sum(part.visits for part in parts if part.day == nth_day(number)) for number in range(1, 123)}

    assert count_visits(shop) == {round(200_000 / shop.length)}
    assert len(count_visits(Shop(shop.seed, shop.first_day, shop.customers, shop.events))) > 100


@pytest.mark.parametrize(("last", "met"), [(13.0, True), (13.1, False)])
def test_the_goal_compares_the_last_length_with_the_first(last: float, met: bool) -> None:
    outcome = Outcome("test")
    points = [
        GrowthPoint(days, NightTimes(99.0, {"plan": seconds, "compaction": 50.0}), 5)
        for days, seconds in ((30, 10.0), (120, last))
    ]
    report(outcome, points, "note")
    assert outcome.met is met
    (step,) = (measure for measure in outcome.measures if measure.what == "  plan, after 120 days")
    assert (step.value, step.note) == (last, "10.0 s after 30")


def test_batches_have_every_line_once_with_its_position(tmp_path: Path) -> None:
    lines = [f"line {place}\n".encode() for place in range(7)]
    pq.write_table(pa.table({"line": pa.array(lines, pa.binary())}), tmp_path / "lines", row_group_size=2)
    part = tmp_path / "part"
    tables = [pq.read_table(part).to_pydict() for _ in read_batches(tmp_path / "lines", part, store.ROW_GROUP_ROWS * 2)]
    assert [len(batch["line"]) for batch in tables] == [4, 3]
    assert [line for batch in tables for line in batch["line"]] == lines
    assert [offset for batch in tables for offset in batch["offset"]] == list(range(7))
    assert not part.exists()


#: Customer, time, type, price, quantity, session, order, id, offset.
ROWS = [
    ("ann", utc(2019, 5, 1, 9), "view", "5.00", 1, "s1", None, "e1", 1),
    ("ann", utc(2019, 5, 1, 9), "view", "5.00", 1, "s1", None, "e1", 2),  # a copy
    ("ann", utc(2019, 5, 1, 10), "purchase", "5.00", 2, "s1", "o1", "e2", 3),
    ("ann", utc(2019, 5, 1, 11), "purchase", "2.50", 1, None, "o2", "e3", 4),
    ("ann", utc(2019, 5, 2, 8), "cart", "5.00", 1, "s2", None, "e4", 5),
    ("bob", utc(2019, 5, 2, 8), "view", "5.00", 1, "s3", None, "e5", 6),
]


def write_events(path: Path) -> Path:
    """ROWS as the export writes them."""
    rows = []
    for user, time, kind, price, quantity, session, order, event, offset in ROWS:
        bought = Decimal(price) * quantity if kind == "purchase" else None
        values = {
            "user_id": user, "event_day": time.date(), "event_time": time, "event_type": kind, "product_id": "p",
            "category_code": "a.b", "category_1": "a", "category_2": "b", "quantity": quantity,
            "revenue": bought, "user_session": session, "order_id": order, "event_id": event, "received_at": time,
            "kafka_topic": "t", "kafka_partition": 0, "kafka_offset": offset,
        }  # fmt: skip
        rows.append({name: values.get(name) for name in COLUMNS})
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_the_peer_makes_the_tables_of_a_night(tmp_path: Path) -> None:
    with duckdb.connect() as duck:
        seconds = make_tables(duck, write_events(tmp_path / "events.parquet"), D2)
        assert set(seconds) == {"events", "again", CUSTOMER_DAY.name, KPI_DAY.name, *(table.name for table in CHART_TABLES)}
        for table in (CUSTOMER_DAY, KPI_DAY):
            assert tuple(duck.sql(f"FROM {table.name}").columns) == table.column_names
        columns = "day, customer_id, sessions, views, carts, orders, items, revenue, min_order_value"
        days = duck.sql(f"SELECT {columns} FROM customer_day ORDER BY ALL")
        assert days.fetchall() == [
            (D1, "ann", 2, 1, 0, 2, 3, Decimal("12.50"), Decimal("2.50")),
            (D2, "ann", 1, 0, 1, 0, 0, Decimal(0), None),
            (D2, "bob", 1, 1, 0, 0, 0, Decimal(0), None),
        ]
        columns = "day, events, customers, new_customers, buyers, sessions, sessions_with_purchase, orders"
        kpis = duck.sql(f"SELECT {columns} FROM kpi_day ORDER BY 1")
        assert kpis.fetchall() == [(D1, 3, 1, 1, 1, 2, 2, 2), (D2, 2, 2, 1, 0, 2, 0, 0)]
