"""What the stream's tables must hold, read from the file itself by DuckDB; nothing of streaming/parse.py is used.

The file gives each row's texts, the importer's judge (DuckDB too) says which rows are refused and why, the source's store
gives each row's message, and Kafka's log where each message lies and when it came. A row of the log has the row it must become.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
from confluent_kafka import Message

from cdp.events import FIELD_NAMES
from cdp.settings import current
from source_server.history.rows import COLUMNS
from source_server.intake.judge import CHECKS, Shop, judging
from source_server.intake.sql import literal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOG = pa.schema(
    {"topic": pa.string(), "partition": pa.int32(), "offset": pa.int64(), "came": pa.timestamp("us"), "line": pa.binary()}
)
MESSAGES_AT_A_TIME = 100_000

#: An event's identity: the contract's fields in its order but for id and source, each as length and text.
_IDENTITY = "concat(" + ", ".join(
    f"coalesce(length({text}) || ':' || {text}, '-')"
    for text in (
        "epoch_us(event_time)::VARCHAR", "event_type", "product_id", "category_id", "category_code", "brand",
        "price::VARCHAR", "user_id", "user_session", "quantity::VARCHAR", "order_given",
    )
) + ")"  # fmt: skip
_TEXTS = ("event_type", "product_id", "category_id", "category_code", "user_id", "user_session")
_TYPED = f"""
    SELECT line, code, v_time AS event_time, {", ".join(f"nullif(raw.{name}, '') AS {name}" for name in _TEXTS)},
        nullif(raw.order_id, '') AS order_given, lower(nullif(raw.brand, '')) AS brand, raw.source AS source,
        try_cast(raw.price AS DECIMAL(12, 2)) AS price, try_cast(coalesce(nullif(raw.quantity, ''), '1') AS INTEGER) AS quantity
    FROM judged"""
_IDENTIFIED = f"SELECT *, left(sha256({_IDENTITY}), 32) AS event_id, event_type = 'purchase' AS bought FROM ({_TYPED})"
_DERIVED = f"""
    SELECT * EXCLUDE (bought, order_given), event_time::DATE AS event_day,
        {", ".join(f"nullif(split_part(category_code, '.', {n}), '') AS category_{n}" for n in (1, 2, 3))},
        (CASE WHEN bought THEN 1 WHEN event_type = 'refund' THEN -1 END * price * quantity)::DECIMAL(18, 2) AS revenue,
        CASE WHEN order_given IS NOT NULL THEN order_given
             WHEN bought THEN coalesce('s:' || user_session, 'e:' || event_id) END AS order_id,
        NULL AS amount, NULL AS anonymous_id, NULL AS extra  -- a made history has none
    FROM ({_IDENTIFIED})"""
#: Where a message lies, in the words of the tables.
_PLACE = 'came AS received_at, topic AS kafka_topic, "partition" AS kafka_partition, "offset" AS kafka_offset'


def engine() -> duckdb.DuckDBPyConnection:
    """In UTC, and never fetching extensions from the network."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def expect(connection: duckdb.DuckDBPyConnection, file: Path, stored: Path, name: str, log: pa.Table) -> None:
    """Makes the tables `sent`, `log`, `expected_events` and `expected_quarantine` of a data set of this name."""
    connection.register("log_read", log)
    connection.execute("CREATE TABLE log AS SELECT * FROM log_read")
    connection.execute(f"CREATE TABLE judged AS {_judged(file, stored, name)}")
    connection.execute(f"CREATE TABLE sent AS {_DERIVED}")
    connection.execute(f"""
        CREATE TABLE expected_events AS
        SELECT sent.* EXCLUDE (line, code), {_PLACE} FROM log JOIN {_by_line("code = 0")} AS sent USING (line)""")
    reasons = ", ".join(f"({number}, {literal(check.reason)}, {_text(check.field)})" for number, check in enumerate(CHECKS, 1))
    connection.execute(f"""
        CREATE TABLE expected_quarantine AS
        SELECT reason, field, line AS payload, came::DATE AS received_day, {_PLACE},
            NULL AS replay_id, NULL AS replayed_at, NULL AS replayed_how
        FROM log JOIN {_by_line("code > 0")} AS sent USING (line)
        JOIN (VALUES {reasons}) AS checks(code, reason, field) USING (code)""")


def _by_line(which: str) -> str:
    """A row that was sent twice is twice in the log, and becomes the same each time."""
    return f"(SELECT DISTINCT ON (line) * FROM sent WHERE {which})"


def _text(value: str | None) -> str:
    return "NULL" if value is None else literal(value)


def _judged(file: Path, stored: Path, name: str) -> str:
    """The file's rows beside the messages that the source made of them, in the same order, with the number of the check
    that fails. A broken line is kept in a column of its own, so that no JSON has to be read to know it."""
    texts = {field: field if field in COLUMNS else "NULL::VARCHAR" for field in FIELD_NAMES} | {"source": literal(name)}
    fields = ", ".join(f"{text} AS {field}" for field, text in texts.items())
    rows = f"""
        SELECT encode(left(decode(line), -1)) AS line, {fields}, payload IS NULL AS is_object
        FROM read_parquet({literal(str(file))}) POSITIONAL JOIN read_parquet({literal(str(stored))})"""
    raw = ", ".join(f"'{field}': {field}" for field in FIELD_NAMES)
    frame = f"SELECT *, {{{raw}}} AS raw FROM ({rows})"
    return judging(frame, Shop.at(datetime.now(UTC), current()), True, "line, raw")


def log_of(messages: Iterable[Message]) -> pa.Table:
    """Where each message lies, when it came, and what it says."""
    tables: list[pa.Table] = []
    waiting: list[tuple[object, ...]] = []
    for message in messages:
        at = EPOCH + timedelta(milliseconds=message.timestamp()[1])
        waiting.append((message.topic(), message.partition(), message.offset(), at.replace(tzinfo=None), message.value()))
        if len(waiting) == MESSAGES_AT_A_TIME:
            tables.append(_table(waiting))
            waiting = []
    return pa.concat_tables([*tables, _table(waiting)])


def _table(rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(LOG)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, LOG, strict=True)], schema=LOG)
