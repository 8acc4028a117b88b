"""The one transaction that readers notice: daily numbers and tables replaced, and the publication row, last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json, execute_values

from batch.days.kpi_day import NEW
from batch.stores.mart import PastSnapshot
from batch.stores.replace import replace_rows
from cdp.nights import CheckOutcome
from cdp.table import Table
from cdp.warehouse import KPI_DAY, PAST_SNAPSHOT, PUBLICATION

#: Readers that are in the middle of a question are waited for so long, and later ones queue behind; then the night gives up.
LOCK_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Publication:
    """What is known of a publication when all stores are filled."""

    id: int
    day: date
    published_at: datetime
    customers_version: int
    events_table: str
    events_version: int
    profiles_collection: str
    counts: Mapping[str, int]
    seconds: Mapping[str, float]
    checks: Sequence[CheckOutcome] = ()


@dataclass(frozen=True, slots=True)
class DailyNumbers:
    """The restated days, their columns of KPI_DAY, and how many customers each day is the first of, where it is that of any."""

    days: Sequence[date]
    kpis: Mapping[date, Mapping[str, Any]]
    newcomers: Mapping[date, int]

    def by_day(self) -> Mapping[date, Mapping[str, Any]]:
        """The restated days, each as column -> number."""
        return {day: {**numbers, NEW: self.newcomers.get(day, 0)} for day, numbers in self.kpis.items()}


def publish(connection: Connection, numbers: DailyNumbers, staged: Sequence[Table], publication: Publication) -> None:
    """All of it or nothing."""
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
    """The restated days anew; of the others only the customers that are new there, which a late event can move."""
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


def _insert_publication(cursor: Cursor, publication: Publication) -> None:
    cursor.execute(f"SELECT coalesce(sum(events), 0)::bigint FROM {KPI_DAY.full_name} WHERE day <= %s", [publication.day])
    ((events,),) = cursor.fetchall()
    counts = {**publication.counts, "events": events}
    row = {name: getattr(publication, name) for name in PUBLICATION.column_names}
    checks = [asdict(outcome) for outcome in publication.checks]
    row |= {"counts": Json(counts), "seconds": Json(dict(publication.seconds)), "checks": Json(checks)}
    places = ", ".join(f"%({name})s" for name in row)
    cursor.execute(f"INSERT INTO {PUBLICATION.full_name} ({', '.join(row)}) VALUES ({places})", row)
