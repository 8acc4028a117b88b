"""What a table in Postgres is: its columns and their kinds, its key, and what of it a publication replaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA = "mart"

#: Kind of a column -> its type in Postgres. Spark's types are in cdp/spark.py.
POSTGRES_TYPES = {
    "text": "text",
    "integer": "integer",
    "long": "bigint",
    "money": "numeric(18, 2)",
    "date": "date",
    "time": "timestamptz",
    "json": "jsonb",
}
Replaced = Literal["restated days", "published day", "whole"]
#: A column of KPI_DAY, and the aggregate over another table that is equal to it.
Agrees = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: str
    about: str = ""
    required: bool = True
    default: str = ""  # in SQL; a column that came later than its table needs one


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    #: What of it a publication replaces by rows that were filled beside it. None: it is written otherwise.
    replaced: Replaced | None = None
    #: Held before it is published: on each restated day, or over all days up to the published one.
    agrees: Agrees = ()
    #: It agrees for each value of this column.
    agrees_within: str = ""
    #: Where this column of KPI_DAY is not 0, the table has rows of the day.
    has_rows_where: str = "events"

    @property
    def full_name(self) -> str:
        return f"{SCHEMA}.{self.name}"

    @property
    def next_name(self) -> str:
        """Where a night fills it beside what readers see."""
        return f"{self.full_name}_next"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def sums(*columns: str) -> Agrees:
    """The columns of that name add up to those of KPI_DAY."""
    return tuple((column, f"sum({column})") for column in columns)


def create_table(table: Table) -> str:
    columns = [_define_column(column) for column in table.columns]
    columns.append(f"PRIMARY KEY ({', '.join(table.key)})")
    return f"CREATE TABLE IF NOT EXISTS {table.full_name} ({', '.join(columns)})"


def merge_partitions(table: Table) -> str:
    """Turns a table with a partition for each day, which earlier versions made, into a plain one with the same rows.
    A transaction locks each partition that it touches, so a history of years ran out of Postgres' locks."""
    name, plain = table.full_name, f"{table.full_name}_plain"
    is_partitioned = f"EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('{name}') AND relkind = 'p')"
    columns = ", ".join(table.column_names)
    steps = (
        f"CREATE TABLE {plain} (LIKE {name} INCLUDING ALL)",
        f"INSERT INTO {plain} ({columns}) SELECT {columns} FROM {name}",
        f"DROP TABLE {name}",
        f"ALTER TABLE {plain} RENAME TO {table.name}",
    )
    return f"DO $$ BEGIN IF {is_partitioned} THEN {'; '.join(steps)}; END IF; END $$"


def add_column(table: Table, column: Column) -> str:
    """For tables that an earlier version made. ADD COLUMN IF NOT EXISTS would keep readers out for a moment each time, also
    where there is nothing to add."""
    existing = f"SELECT FROM pg_attribute WHERE attrelid = '{table.full_name}'::regclass AND attname = '{column.name}'"
    add = f"ALTER TABLE {table.full_name} ADD COLUMN {_define_column(column)}"
    return f"DO $$ BEGIN IF NOT EXISTS ({existing}) THEN {add}; END IF; END $$"


def _define_column(column: Column) -> str:
    required = " NOT NULL" if column.required else ""
    default = f" DEFAULT {column.default}" if column.default else ""
    return f"{column.name} {POSTGRES_TYPES[column.kind]}{required}{default}"
