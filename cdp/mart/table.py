"""What a Postgres table is: its columns and their kinds, its key, and which of its rows a publication replaces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from cdp.kinds import KINDS

#: The schema of the tables for charts, of the nights and of the ledger.
SCHEMA = "mart"

Replaced = Literal["restated days", "published day", "whole"]
#: Columns of KPI_DAY, each with the aggregate over another table that must equal it.
Agrees = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: str
    about: str = ""
    required: bool = True
    default: str = ""  # in SQL; required for a column added after its table
    collation: str = ""  # the order of a text; empty: that of the database


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    #: Which rows a publication replaces with rows from `next_name`. None: the table is written in another way.
    replaced: Replaced | None = None
    #: Checked before publication: on each restated day, or over all days up to the published one.
    agrees: Agrees = ()
    #: The sums must agree for each value of this column.
    agrees_within: str = ""
    #: When this column of KPI_DAY is not 0, the table must have rows of the day.
    has_rows_where: str = "events"
    schema: str = SCHEMA
    #: Columns of further indexes, as CREATE INDEX takes them.
    indexes: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def next_name(self) -> str:
        """The table that a night fills while readers see the current one."""
        return f"{self.full_name}_next"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def sums(*columns: str) -> Agrees:
    """These columns add up to the columns of the same name in KPI_DAY."""
    return tuple((column, f"sum({column})") for column in columns)


def create_table(table: Table) -> str:
    columns = [_define_column(column) for column in table.columns]
    columns.append(f"PRIMARY KEY ({', '.join(table.key)})")
    return f"CREATE TABLE IF NOT EXISTS {table.full_name} ({', '.join(columns)})"


def create_indexes(table: Table) -> list[str]:
    names = (f"{table.name}_{re.sub('[^a-z]+', '_', columns).strip('_')}" for columns in table.indexes)
    pairs = zip(names, table.indexes, strict=True)
    return [f"CREATE INDEX IF NOT EXISTS {name} ON {table.full_name} ({columns})" for name, columns in pairs]


def merge_partitions(table: Table) -> str:
    """Turn a table partitioned by day, as earlier versions made it, into a plain one with the same rows. A transaction locks
    each partition that it touches, so a history of years ran out of Postgres' locks."""
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
    """Add a column to a table of an earlier version. ADD COLUMN IF NOT EXISTS would lock out readers for a moment each time,
    even with nothing to add."""
    existing = f"SELECT FROM pg_attribute WHERE attrelid = '{table.full_name}'::regclass AND attname = '{column.name}'"
    add = f"ALTER TABLE {table.full_name} ADD COLUMN {_define_column(column)}"
    return f"DO $$ BEGIN IF NOT EXISTS ({existing}) THEN {add}; END IF; END $$"


def _define_column(column: Column) -> str:
    collation = f' COLLATE "{column.collation}"' if column.collation else ""
    required = " NOT NULL" if column.required else ""
    default = f" DEFAULT {column.default}" if column.default else ""
    return f"{column.name} {KINDS[column.kind].postgres}{collation}{required}{default}"
