"""The one transaction that readers notice: it replaces daily numbers and tables, and inserts the publication row last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json, execute_values

from batch.days.kpi_day import NEW
from batch.plan import TableVersion
from batch.stores.mart import PastSnapshot
from batch.stores.replace import replace_rows
from cdp.mart.daily import KPI_DAY, PAST_SNAPSHOT, PUBLICATION
from cdp.mart.nights import CheckOutcome
from cdp.mart.table import Table

#: How long to wait for running queries. Later queries queue behind the night, so it gives up after this time.
LOCK_SECONDS = 30


@dataclass(frozen=True, slots=True)
class NewPublication:
    """A publication whose stores are all filled."""

    id: int
    day: date
    published_at: datetime
    customers_version: int
    interactions_version: int
    shop_versions: Mapping[str, TableVersion]
    events_table: str
    events_version: int
    profiles_collection: str
    counts: Mapping[str, int]
    seconds: Mapping[str, float]
    checks: Sequence[CheckOutcome] = ()


@dataclass(frozen=True, slots=True)
class DailyNumbers:
    """The restated days, their columns of KPI_DAY, and the new customers per day (days without any are absent)."""

    days: Sequence[date]
    kpis: Mapping[date, Mapping[str, Any]]
    newcomers: Mapping[date, int]

    def by_day(self) -> Mapping[date, Mapping[str, Any]]:
        """The columns of KPI_DAY for each restated day that has events."""
        return {day: {**numbers, NEW: self.newcomers.get(day, 0)} for day, numbers in self.kpis.items()}


def publish(connection: Connection, numbers: DailyNumbers, staged: Sequence[Table], publication: NewPublication) -> None:
    """Publish everything in one transaction."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        if numbers.days:
            _replace_kpis(cursor, numbers)
        for table in staged:
            replace_rows(cursor, table, numbers.days, publication.day)
        _insert_publication(cursor, publication)


def publish_past(connection: Connection, staged: Sequence[Table], snapshot: PastSnapshot) -> None:
    """The chart rows as of the day, and the record of its snapshot, in one transaction."""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        for table in staged:
            replace_rows(cursor, table, (), snapshot.day)
        row = asdict(snapshot)
        names, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        changes = ", ".join(f"{name} = excluded.{name}" for name in row)
        insert = f"INSERT INTO {PAST_SNAPSHOT.full_name} ({names}) VALUES ({values})"
        cursor.execute(f"{insert} ON CONFLICT (day) DO UPDATE SET {changes}", row)


def _replace_kpis(cursor: Cursor, numbers: DailyNumbers) -> None:
    """Replace the restated days. On other days only the number of new customers can change, when a late event moves a first
    day."""
    columns = KPI_DAY.column_names
    rows = [[{"day": day, **row}[column] for column in columns] for day, row in numbers.by_day().items()]
    cursor.execute(f"DELETE FROM {KPI_DAY.full_name} WHERE day = ANY(%s)", [list(numbers.days)])
    execute_values(cursor, f"INSERT INTO {KPI_DAY.full_name} ({', '.join(columns)}) VALUES %s", rows)
    cursor.execute("CREATE TEMP TABLE newcomers (day date PRIMARY KEY, customers integer NOT NULL) ON COMMIT DROP")
    execute_values(cursor, "INSERT INTO newcomers VALUES %s", list(numbers.newcomers.items()))
    cursor.execute(
        f"WITH counted AS (SELECT k.day, coalesce(n.customers, 0) AS customers FROM {KPI_DAY.full_name} k"
        f" LEFT JOIN newcomers n USING (day)) UPDATE {KPI_DAY.full_name} k SET {NEW} = c.customers FROM counted c"
        f" WHERE c.day = k.day AND c.customers <> k.{NEW}"
    )


def _insert_publication(cursor: Cursor, publication: NewPublication) -> None:
    cursor.execute(f"SELECT coalesce(sum(events), 0)::bigint FROM {KPI_DAY.full_name} WHERE day <= %s", [publication.day])
    ((events,),) = cursor.fetchall()
    counts = {**publication.counts, "events": events}
    row = {name: getattr(publication, name) for name in PUBLICATION.column_names}
    checks = [asdict(outcome) for outcome in publication.checks]
    shop = {name: asdict(version) for name, version in publication.shop_versions.items()}
    values = {"shop_versions": shop, "counts": counts, "seconds": dict(publication.seconds), "checks": checks}
    row |= {name: Json(value) for name, value in values.items()}
    places = ", ".join(f"%({name})s" for name in row)
    cursor.execute(f"INSERT INTO {PUBLICATION.full_name} ({', '.join(row)}) VALUES ({places})", row)
