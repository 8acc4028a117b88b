"""The rows that the stream's tables must have, computed without the stream's reading of messages.

The file has each row's texts, from which DuckDB makes the values. The source's store has each row's message, and the tests'
referee decides which are refused and why. Kafka's log has the position and time of each message, so each message of the log has
an expected row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import Message

from cdp.events import FIELD_NAMES
from cdp.events.fields import BOUNDS
from cdp.events.reading.sql import literal
from cdp.kinds import MONEY, PRICE
from cdp.settings import current
from source_server.history.rows import COLUMNS
from tests.oracle.messages import Event, read_message

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOG = pa.schema(
    {"topic": pa.string(), "partition": pa.int32(), "offset": pa.int64(), "came": pa.timestamp("us"), "line": pa.binary()}
)
MESSAGES_AT_A_TIME = 100_000

#: An event's identity: the contract's fields in order, without id and source, each as length and text.
_IDENTITY = "concat(" + ", ".join(
    f"coalesce(length({text}) || ':' || {text}, '-')"
    for text in (
        "epoch_us(event_time)::VARCHAR", "event_type", "product_id", "category_id", "category_code", "brand",
        "price::VARCHAR", "user_id", "user_session", "quantity::VARCHAR", "order_given",
    )
) + ")"  # fmt: skip
_TEXTS = ("event_type", "product_id", "category_id", "category_code", "user_id", "user_session")
_TYPED = f"""
    SELECT line, reason, field, moment AS event_time, {", ".join(f"nullif(raw.{name}, '') AS {name}" for name in _TEXTS)},
        nullif(raw.order_id, '') AS order_given, lower(nullif(raw.brand, '')) AS brand, raw.source AS source,
        try_cast(raw.price AS {PRICE}) AS price, try_cast(coalesce(nullif(raw.quantity, ''), '1') AS INTEGER) AS quantity
    FROM judged"""
_IDENTIFIED = f"SELECT *, left(sha256({_IDENTITY}), 32) AS event_id, event_type = 'purchase' AS bought FROM ({_TYPED})"
_DERIVED = f"""
    SELECT * EXCLUDE (bought, order_given), event_time::DATE AS event_day,
        {", ".join(f"nullif(split_part(category_code, '.', {n}), '') AS category_{n}" for n in (1, 2, 3))},
        (CASE WHEN bought THEN 1 WHEN event_type = 'refund' THEN -1 END * price * quantity)::{MONEY} AS revenue,
        CASE WHEN order_given IS NOT NULL THEN order_given
             WHEN bought THEN coalesce('s:' || user_session, 'e:' || event_id) END AS order_id,
        NULL AS amount, NULL AS anonymous_id, NULL AS extra  -- a generated history has none
    FROM ({_IDENTIFIED})"""
#: The position of a message, under the column names of the tables.
_POSITION = 'came AS received_at, topic AS kafka_topic, "partition" AS kafka_partition, "offset" AS kafka_offset'


def open_duckdb() -> duckdb.DuckDBPyConnection:
    """A connection in UTC that never downloads extensions."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def make_expected(connection: duckdb.DuckDBPyConnection, file: Path, stored: Path, name: str, log: pa.Table) -> None:
    """Make the tables `sent`, `log`, `expected_events` and `expected_quarantine` for the data set of this name."""
    connection.register("log_read", log)
    connection.execute("CREATE TABLE log AS SELECT * FROM log_read")
    connection.register("verdicts", _judge_lines(stored))
    connection.execute(f"CREATE TABLE judged AS {_build_judged(file, name)}")
    connection.execute(f"CREATE TABLE sent AS {_DERIVED}")
    connection.execute(f"""
        CREATE TABLE expected_events AS
        SELECT sent.* EXCLUDE (line, reason, field), {_POSITION}
        FROM log JOIN {_select_by_line("reason IS NULL")} AS sent USING (line)""")
    connection.execute(f"""
        CREATE TABLE expected_quarantine AS
        SELECT reason, field, line AS payload, came::DATE AS received_day, {_POSITION},
            NULL AS replay_id, NULL AS replayed_at, NULL AS replayed_how
        FROM log JOIN {_select_by_line("reason IS NOT NULL")} AS sent USING (line)""")


def _select_by_line(condition: str) -> str:
    """One row for each line: a line that was sent twice is twice in the log and has the same expected row each time."""
    return f"(SELECT DISTINCT ON (line) * FROM sent WHERE {condition})"


def _judge_lines(stored: Path) -> pa.Table:
    """The messages that the source made, in the order of the file, with the referee's verdict on each."""
    lines = [line.removesuffix(b"\n") for line in pq.read_table(stored, columns=["line"]).column("line").to_pylist()]
    now, bounds = datetime.now(UTC), replace(BOUNDS, currency=current().currency)
    verdicts: list[tuple[str | None, str | None, datetime | None]] = []
    for line in lines:
        read = read_message(line, now, bounds)
        verdicts.append((None, None, read.event_time) if isinstance(read, Event) else (read.reason, read.field, None))
    reasons, fields, moments = zip(*verdicts, strict=True)
    columns = {
        "line": pa.array(lines, pa.binary()),
        "reason": pa.array(reasons, pa.string()),
        "field": pa.array(fields, pa.string()),
        "moment": pa.array(moments, pa.timestamp("us", "UTC")).cast(pa.timestamp("us")),
    }
    return pa.table(columns)


def _build_judged(file: Path, name: str) -> str:
    """The verdicts next to the file's rows, which are in the same order."""
    texts = {field: field if field in COLUMNS else "NULL::VARCHAR" for field in FIELD_NAMES} | {"source": literal(name)}
    raw = ", ".join(f"'{field}': rows.{text}" if text == field else f"'{field}': {text}" for field, text in texts.items())
    return f"""
        SELECT verdicts.*, {{{raw}}} AS raw
        FROM read_parquet({literal(str(file))}) AS rows POSITIONAL JOIN verdicts"""


def read_log(messages: Iterable[Message]) -> pa.Table:
    """Position, time and content of each message."""
    tables: list[pa.Table] = []
    rows: list[tuple[object, ...]] = []
    for message in messages:
        at = EPOCH + timedelta(milliseconds=message.timestamp()[1])
        rows.append((message.topic(), message.partition(), message.offset(), at.replace(tzinfo=None), message.value()))
        if len(rows) == MESSAGES_AT_A_TIME:
            tables.append(_build_table(rows))
            rows = []
    return pa.concat_tables([*tables, _build_table(rows)])


def _build_table(rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(LOG)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, LOG, strict=True)], schema=LOG)
