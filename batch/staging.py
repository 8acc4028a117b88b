"""The restated days beside their place in Postgres: a partition a day, filled and checked before any reader can see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from psycopg2.extensions import connection as Connection
from pyspark.sql import DataFrame

from batch.copy import copy_rows
from batch.mart import connection_arguments
from cdp.settings import Settings
from cdp.warehouse import CUSTOMER_DAY, SCHEMA

NEXT = f"{SCHEMA}.{CUSTOMER_DAY.name}_next"


class StagedWrong(RuntimeError):
    """What lies in Postgres is not what Spark computed."""


def partition_name(day: date, publication: int) -> str:
    """A partition is made for one publication and never changed after it."""
    return f"{SCHEMA}.{CUSTOMER_DAY.name}_{day:%Y%m%d}_{publication}"


def stage(
    connection: Connection,
    settings: Settings,
    rows: DataFrame,
    days: Sequence[date],
    publication: int,
    computed: Mapping[date, tuple[int, Decimal]],
) -> None:
    """Fill the partitions and hold customers and money of each day against what Spark computed."""
    _make_partitions(connection, days, publication)
    copy_rows(rows, CUSTOMER_DAY, NEXT, connection_arguments(settings))
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT day, count(*), sum(revenue) FROM {NEXT} GROUP BY day")
        compare({day: (customers, revenue) for day, customers, revenue in cursor.fetchall()}, computed)
        cursor.execute(f"ANALYZE {NEXT}")


def _make_partitions(connection: Connection, days: Sequence[date], publication: int) -> None:
    """Whatever a night that failed has left goes first; its partitions go with it."""
    statements = [
        f"DROP TABLE IF EXISTS {NEXT}",
        f"CREATE TABLE {NEXT} (LIKE {CUSTOMER_DAY.full_name} INCLUDING ALL) PARTITION BY LIST (day)",
        *(f"CREATE TABLE {partition_name(day, publication)} PARTITION OF {NEXT} FOR VALUES IN ('{day}')" for day in days),
    ]
    with connection, connection.cursor() as cursor:
        cursor.execute(";".join(statements))


def compare(staged: Mapping[date, tuple[int, Decimal]], computed: Mapping[date, tuple[int, Decimal]]) -> None:
    for day in sorted(staged.keys() | computed.keys()):
        found, wanted = staged.get(day, (0, Decimal(0))), computed.get(day, (0, Decimal(0)))
        if found != wanted:
            raise StagedWrong(
                f"on {day} Postgres holds {found[0]} customers and {found[1]} of revenue, Spark computed {wanted[0]} and"
                f" {wanted[1]}; nothing was published, run the same again."
            )
