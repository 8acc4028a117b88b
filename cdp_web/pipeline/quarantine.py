"""Rejected messages in the Delta table `quarantine`. Every read is bounded to a range of days; a page reads the payloads of its
own rows only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from django.utils.translation import gettext_lazy

from cdp.errors import first_line
from cdp.lake.paths import QUARANTINE, table_url
from cdp.lake.tables import REPLAY_COLUMNS
from cdp.settings import current
from cdp_web.serving.errors import NotReady

PAGE_SIZE = 25
#: Most days that one request reads.
MOST_DAYS = 31
MEMORY = "256MB"
#: Bytes of a payload that a page shows.
SHOWN = 4000
#: What a page may be filtered by: messages that wait, those that a replay took, or all.
STATES = {"waiting": "replay_id IS NULL", "replayed": "replay_id IS NOT NULL", "all": "true"}
_PLACE = ("received_at", "kafka_partition", "kafka_offset")
_PLACES = ", ".join(_PLACE)


class QuarantineUnavailable(NotReady):
    code = "quarantine_unavailable"
    title = gettext_lazy("Quarantine can't be read")
    remedy = gettext_lazy("Check whether HDFS is healthy: ./run status")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the place of its last message, newest first."""

    received_at: datetime
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.received_at.timestamp():.6f}_{self.partition}_{self.offset}"


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    first: date
    last: date
    reason: str = ""
    field: str = ""
    state: str = "waiting"

    @property
    def sql(self) -> str:
        words = "(? = '' OR reason = ?) AND (? = '' OR coalesce(field, '') = ?)"
        return f"received_day BETWEEN ? AND ? AND {words} AND {STATES[self.state]}"

    @property
    def parameters(self) -> list[Any]:
        return [self.first, self.last, self.reason, self.reason, self.field, self.field]


@dataclass(frozen=True, slots=True)
class RejectionGroup:
    """Messages with the same reason and field."""

    reason: str
    field: str
    messages: int
    waiting: int


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    reason: str
    field: str
    detail: str
    received_at: datetime
    topic: str
    partition: int
    offset: int
    payload: bytes
    replayed_at: datetime | None
    replayed_how: str | None

    @property
    def place(self) -> Place:
        return Place(self.received_at, self.partition, self.offset)

    @property
    def text(self) -> str:
        """The payload for people: indented if it is JSON, with escapes where it is no text."""
        text = self.payload[:SHOWN].decode(errors="backslashreplace")
        try:
            return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return text

    @property
    def is_cut(self) -> bool:
        return len(self.payload) > SHOWN


@dataclass(frozen=True, slots=True)
class QuarantineTable:
    """The table at one version, with the number of messages by day of receipt."""

    table: DeltaTable
    days: dict[date, int]

    @property
    def newest_day(self) -> date:
        return max(self.days)


def quarantine_open() -> QuarantineTable | None:
    """None if nothing was ever rejected."""
    url = table_url(current(), QUARANTINE)
    try:
        table = DeltaTable(url)
        days = _count_by_day(table)
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise QuarantineUnavailable(f"{url}: {first_line(error)[:300]}") from error
    return QuarantineTable(table, days) if days else None


def groups_get(quarantine: QuarantineTable, chosen: QuarantineFilter) -> list[RejectionGroup]:
    """All messages of the days by reason and field, the most frequent first."""
    sql = f"""
        SELECT reason, coalesce(field, ''), count(*), count(*) FILTER (WHERE {STATES["waiting"]})
        FROM messages WHERE received_day BETWEEN ? AND ? GROUP BY ALL ORDER BY 3 DESC, 1, 2"""
    rows = _query(quarantine, chosen, sql, [chosen.first, chosen.last], ["reason", "field", "received_day"])
    return [RejectionGroup(*row) for row in rows]


def messages_get(quarantine: QuarantineTable, chosen: QuarantineFilter, after: Place | None = None) -> list[RejectedMessage]:
    """The newest messages of the filter, one more than a page shows if there are more."""
    beyond = f"AND ({_PLACES}) < (?, ?, ?)" if after else ""
    end = f"ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT {PAGE_SIZE + 1}"
    sql = f"SELECT {_PLACES} FROM messages WHERE {chosen.sql} {beyond} {end}"
    place = [after.received_at, after.partition, after.offset] if after else []
    names = ["reason", "field", "received_day", *_PLACE]
    places = _query(quarantine, chosen, sql, [*chosen.parameters, *place], names)
    if not places:
        return []
    # The payloads of these places only: the files are read within the times of the page.
    sql = f"""
        SELECT reason, coalesce(field, ''), coalesce(detail, ''), received_at, kafka_topic, kafka_partition, kafka_offset,
            coalesce(payload, ''::BLOB), replayed_at, replayed_how
        FROM messages WHERE {chosen.sql} AND ({_PLACES}) IN (VALUES {", ".join(["(?, ?, ?)"] * len(places))})
        ORDER BY 4 DESC, 6 DESC, 7 DESC LIMIT {PAGE_SIZE + 1}"""
    parameters = [*chosen.parameters, *(value for place in places for value in place)]
    rows = _query(quarantine, chosen, sql, parameters, span=[places[-1][0], places[0][0]])
    return [RejectedMessage(*row) for row in rows]


def place_from_text(text: str) -> Place | None:
    """The place in an address; None if it is not one."""
    parts = text.split("_")
    try:
        seconds, partition, offset = float(parts[0]), int(parts[1]), int(parts[2])
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except (ValueError, IndexError, OverflowError):
        return None
    return Place(moment, partition, offset) if abs(partition) < 2**31 and abs(offset) < 2**63 else None


def _count_by_day(table: DeltaTable) -> dict[date, int]:
    days: dict[date, int] = {}
    for each in pa.table(table.get_add_actions(flatten=True)).to_pylist():
        day = each["partition.received_day"]
        day = day if isinstance(day, date) else date.fromisoformat(str(day))
        days[day] = days.get(day, 0) + each["num_records"]
    return {day: count for day, count in days.items() if count}


def _query(
    quarantine: QuarantineTable,
    chosen: QuarantineFilter,
    sql: str,
    parameters: Sequence[Any],
    columns: Sequence[str] = (),
    span: Sequence[datetime] = (),
) -> list[tuple[Any, ...]]:
    """Scan the files of the days, and of these only the row groups of the span and the columns of the query."""
    dataset = quarantine.table.to_pyarrow_dataset()
    replay = [name for name in REPLAY_COLUMNS if name in dataset.schema.names]
    wanted = pc.field("received_day").isin(_list_days(chosen))
    if span:
        wanted = wanted & (pc.field("received_at") >= span[0]) & (pc.field("received_at") <= span[1])
    try:
        rows = dataset.scanner(columns=[*columns, *replay] if columns else None, filter=wanted)
        with closing(duckdb.connect()) as duck:
            duck.execute(f"SET memory_limit = '{MEMORY}'; SET threads = 2; SET TimeZone = 'UTC'")
            duck.register("scanned", rows.to_reader())
            missing = [f"NULL::VARCHAR AS {name}" for name in REPLAY_COLUMNS if name not in replay]
            source = f"(SELECT {', '.join(['*', *missing])} FROM scanned)"
            # As Arrow, because DuckDB itself needs another library for times with a zone.
            query = sql.replace("FROM messages", f"FROM {source} messages")
            table: pa.Table = duck.sql(query, params=[*parameters]).to_arrow_table()
            return [tuple(row.values()) for row in table.to_pylist()]
    except (duckdb.Error, pa.ArrowException, DeltaError, OSError) as error:
        raise QuarantineUnavailable(first_line(error)[:300]) from error


def _list_days(chosen: QuarantineFilter) -> list[date]:
    return [chosen.first + timedelta(days=number) for number in range((chosen.last - chosen.first).days + 1)]
