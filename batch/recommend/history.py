"""What customers did up to a day, from the Delta tables on HDFS, as tables of a DuckDB connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from cdp.lake.paths import EVENTS, INTERACTIONS, table_url
from cdp.settings import Settings

#: Days of visits that co-visitation learns from. Interactions have no such limit, since they fade.
VISIT_DAYS = 90
MEMORY = "1GB"


class NoHistory(RuntimeError):
    """There is nothing to learn from. The message says what to do."""


@dataclass(frozen=True, slots=True)
class History:
    """The tables `interactions` (a row per customer, hour, event type and product) and `views` (a row per visit and product, with
    the time of the first view), up to `day`, and the versions of the Delta tables that they come from."""

    duck: duckdb.DuckDBPyConnection
    day: date
    versions: dict[str, int]


@contextmanager
def open_history(
    settings: Settings, day: date, versions: Mapping[str, int] | None = None, *, visits: bool = True
) -> Iterator[History]:
    """The newest versions of the Delta tables, or these. Without `visits`, `views` is left out."""
    wanted, names = versions or {}, (INTERACTIONS, EVENTS) if visits else (INTERACTIONS,)
    try:
        tables = {name: DeltaTable(table_url(settings, name), version=wanted.get(name)) for name in names}
    except TableNotFoundError as error:
        raise NoHistory(f"no night has written the customers' interactions yet; run one: ./run night --day {day}") from error
    except (DeltaError, OSError) as error:
        raise NoHistory(f"{table_url(settings, INTERACTIONS)} can't be read: {error}; see ./run status.") from error
    with duckdb.connect(config={"memory_limit": MEMORY}) as duck:
        duck.execute("SET enable_progress_bar = false")
        fill_tables(duck, day, {name: table.to_pyarrow_dataset() for name, table in tables.items()})
        _require_day(duck, day)
        yield History(duck, day, {name: int(table.version()) for name, table in tables.items()})


def fill_tables(duck: duckdb.DuckDBPyConnection, day: date, lake: dict[str, Any]) -> None:
    """`lake` has what DuckDB can read for each name of a Delta table."""
    for name, table in lake.items():
        duck.register(f"lake_{name}", table)
    duck.execute(f"""
        CREATE TABLE interactions AS
        SELECT day, date_diff('hour', DATE '2000-01-01', day) + hour AS moment, customer_id, event_type, product_id,
            concat_ws('.', category_1, category_2, category_3) AS category, coalesce(brand, '') AS brand, price, events
        FROM lake_{INTERACTIONS} WHERE day <= DATE '{day}'""")
    if EVENTS not in lake:
        return
    # A copy of an event has the time of the original, so copies change nothing here.
    duck.execute(f"""
        CREATE TABLE views AS
        SELECT user_id AS customer_id, user_session AS visit, min(event_day) AS day, product_id, min(event_time) AS moment
        FROM lake_{EVENTS} WHERE event_type = 'view' AND user_session IS NOT NULL
            AND event_day > DATE '{day - timedelta(days=VISIT_DAYS)}' AND event_day <= DATE '{day}'
        GROUP BY ALL""")


def _require_day(duck: duckdb.DuckDBPyConnection, day: date) -> None:
    ((last,),) = duck.execute("SELECT max(day) FROM interactions").fetchall()
    if last != day:
        ends = f"end on {last}" if last else f"begin after {day}"
        raise NoHistory(f"the customers' interactions {ends}; publish the day first: ./run night --day {day}")
