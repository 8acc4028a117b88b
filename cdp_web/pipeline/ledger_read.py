"""Counts of the same events in every store, from the stream's ledger to the profiles. flow.py compares them.

Of the tables on HDFS only the Delta logs are read, and a few columns of quarantine. The ledger is read last, because a batch
writes it after its tables.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from django.db import connection
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from cdp.errors import first_line
from cdp.lake.paths import COMPACTIONS, EVENTS, QUARANTINE, table_url
from cdp.ledger import DROPPED_COLUMNS, REPLAYED_MESSAGE, EventBalance, count_dropped
from cdp.mart.daily import KPI_DAY, PUBLICATION, STREAM_LEDGER
from cdp.postgres import TABLE_EXISTS
from cdp.settings import Settings

#: A batch that falls between two reads ends within this time.
ATTEMPTS, PAUSE_SECONDS = 3, 1.0
MONGO_MILLISECONDS = 3000


@dataclass(frozen=True, slots=True)
class LedgerFigures:
    """Counts of events and customers; None where a store could not be read or has nothing yet."""

    received: int = 0
    good: int = 0
    quarantined: int = 0
    event_rows: int = 0
    dropped: int = 0
    quarantine_rows: int = 0
    replayed_events: int = 0
    claimed: int = 0
    newest_event: str | None = None
    newest_day: str | None = None
    published_rows: int | None = None  # rows of events up to the published day, for the version that the night has read
    published_events: int | None = None  # events of the daily numbers
    snapshot_events: int | None = None
    new_customers: int | None = None
    snapshot_customers: int | None = None
    profiles: int | None = None
    error: str = ""

    @property
    def balance(self) -> EventBalance:
        return EventBalance(self.good, self.replayed_events, self.event_rows, self.dropped)

    @property
    def is_settled(self) -> bool:
        """Whether no batch or replay is between its table and the ledger."""
        return 0 <= self.balance.surplus <= self.claimed and self.quarantined == self.quarantine_rows


def ledger_read(settings: Settings) -> dict[str, Any]:
    try:
        figures = _read_figures(settings)
        for _ in range(ATTEMPTS - 1):
            if figures.is_settled:
                break
            time.sleep(PAUSE_SECONDS)
            figures = _read_figures(settings)
    except (DeltaError, OSError, pa.ArrowException) as error:
        figures = LedgerFigures(error=first_line(error)[:300])
    return asdict(figures)


def _read_figures(settings: Settings) -> LedgerFigures:
    events, quarantine, compactions = (_open_table(settings, name) for name in (EVENTS, QUARANTINE, COMPACTIONS))
    publication = _read_publication()
    files = _read_files(events)
    newest_event = max((each["newest"] for each in files if each["newest"]), default=None)
    values: dict[str, Any] = {
        "event_rows": sum(each["rows"] for each in files),
        "dropped": _count_dropped(compactions, events) if compactions and events else 0,
        "newest_event": newest_event and newest_event.isoformat(),
        "newest_day": max((each["day"] for each in files), default=None),
    }
    if quarantine:
        replayed, claimed = _count_replayed(quarantine)
        rows = sum(each["rows"] for each in _read_files(quarantine))
        values |= {"quarantine_rows": rows, "replayed_events": replayed, "claimed": claimed}
    if publication and events:
        values |= _read_published(settings, publication, events)
    return LedgerFigures(**values | _read_sums())


def _open_table(settings: Settings, name: str, version: int | None = None) -> DeltaTable | None:
    try:
        return DeltaTable(table_url(settings, name), version=version)
    except TableNotFoundError:
        return None


def _read_files(table: DeltaTable | None) -> list[dict[str, Any]]:
    """Day, rows and newest event of each file, from the table's log."""
    if table is None:
        return []
    actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    return [
        {
            "day": str(next((value for name, value in each.items() if name.startswith("partition.")), "")),
            "rows": each["num_records"],
            "newest": each.get("max.event_time"),
        }
        for each in actions
    ]


def _count_dropped(compactions: DeltaTable, events: DeltaTable) -> int:
    rows = compactions.to_pyarrow_dataset().to_table([*DROPPED_COLUMNS]).to_pylist()
    return count_dropped(rows, str(events.metadata().id), events.version())


def _count_replayed(quarantine: DeltaTable) -> tuple[int, int]:
    """The events that replayed rows became, and rows that an interrupted replay has claimed."""
    dataset = quarantine.to_pyarrow_dataset()
    columns = [*REPLAYED_MESSAGE, "replayed_at"]
    if not set(columns) <= set(dataset.schema.names):
        return 0, 0
    claimed = dataset.to_table(columns, pc.field("replay_id").is_valid())
    replayed = claimed.filter(pc.field("replayed_at").is_valid())
    return replayed.group_by([*REPLAYED_MESSAGE]).aggregate([]).num_rows, claimed.num_rows - replayed.num_rows


def _read_publication() -> dict[str, Any] | None:
    """The serving publication with the sums of the daily numbers up to its day."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE_EXISTS, [PUBLICATION.full_name])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(
            "SELECT day, events_version, events_table, profiles_collection, (counts->>'events')::bigint,"
            f" (counts->>'customers')::bigint FROM {PUBLICATION.full_name} ORDER BY id DESC LIMIT 1"
        )
        row = cursor.fetchone()
        if row is None:
            return None
        names = ("day", "version", "table", "collection", "events", "customers")
        cursor.execute(
            f"SELECT sum(events)::bigint, sum(new_customers)::bigint FROM {KPI_DAY.full_name} WHERE day <= %s", [row[0]]
        )
        sums = cursor.fetchone()
    return dict(zip(names, row, strict=True)) | {"kpi_events": sums[0], "kpi_customers": sums[1]}


def _read_published(settings: Settings, publication: dict[str, Any], events: DeltaTable) -> dict[str, Any]:
    return {
        "published_rows": _count_published_rows(settings, publication, events),
        "published_events": publication["kpi_events"],
        "snapshot_events": publication["events"],
        "new_customers": publication["kpi_customers"],
        "snapshot_customers": publication["customers"],
        "profiles": _count_profiles(settings, publication["collection"]),
    }


def _count_published_rows(settings: Settings, publication: dict[str, Any], events: DeltaTable) -> int | None:
    """None if the table is another one now, or its log no longer has the version."""
    if publication["table"] and publication["table"] != str(events.metadata().id):
        return None
    try:
        files = _read_files(_open_table(settings, EVENTS, publication["version"]))
    except (DeltaError, OSError):
        return None
    day: date = publication["day"]
    return sum(each["rows"] for each in files if each["day"] <= day.isoformat())


def _count_profiles(settings: Settings, collection: str) -> int | None:
    client: MongoClient[dict[str, Any]] = MongoClient(
        settings.mongo_url, serverSelectionTimeoutMS=MONGO_MILLISECONDS, socketTimeoutMS=MONGO_MILLISECONDS
    )
    try:
        return client[settings.mongo_database][collection].estimated_document_count()
    except PyMongoError:
        return None
    finally:
        client.close()


def _read_sums() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(TABLE_EXISTS, [STREAM_LEDGER.full_name])
        if not cursor.fetchone()[0]:
            return {}
        sums = "coalesce(sum(received), 0)::bigint, coalesce(sum(good), 0)::bigint, coalesce(sum(quarantined), 0)::bigint"
        cursor.execute(f"SELECT {sums} FROM {STREAM_LEDGER.full_name}")
        return dict(zip(("received", "good", "quarantined"), cursor.fetchone(), strict=True))
