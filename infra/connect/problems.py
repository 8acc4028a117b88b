"""What keeps a shop's database from being read, each with what to do. Pure: from what was read to sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cdp.errors import did_you_mean
from infra.connect.database import HEARTBEAT_TABLE, SIGNALS_TABLE, DatabaseFacts, TableFacts
from infra.connect.shop import Shop, ShopTable

AGAIN = "./run connect"
GRANT_REPLICATION = "as administrator: ALTER ROLE {user} REPLICATION;"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and what to do about it."""

    wrong: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.wrong} → {self.remedy}"


def find_problems(shop: Shop, facts: DatabaseFacts) -> tuple[Problem, ...]:
    """All that is wrong with the database, in the order in which it is best repaired."""
    return (*_check_server(shop, facts), *_check_tables(shop, facts), *_check_own(shop, facts), *_check_publication(shop, facts))


def _check_server(shop: Shop, facts: DatabaseFacts) -> Iterator[Problem]:
    if facts.wal_level != "logical":
        yield Problem(
            f"wal_level of {shop.host}:{shop.port} is {facts.wal_level}, so changes can't be read",
            "as administrator: ALTER SYSTEM SET wal_level = 'logical'; then restart Postgres",
        )
    if not facts.may_replicate:
        yield Problem(f"the login {shop.user} has no REPLICATION right", GRANT_REPLICATION.format(user=shop.user))
    if facts.slot is None and facts.free_slots <= 0:
        yield Problem(
            "the server has no free replication slot",
            "drop one that nobody needs (see pg_replication_slots), or raise max_replication_slots and restart Postgres",
        )


def _check_tables(shop: Shop, facts: DatabaseFacts) -> Iterator[Problem]:
    for table in shop.tables:
        if table.source in facts.tables:
            yield from _check_table(shop, table, facts.tables[table.source])
        else:
            remedy = "./run shop init" if shop.is_sample else did_you_mean(table.source, facts.tables)
            yield Problem(f"{_name(shop, table)} does not exist in {shop.address}", remedy)


def _check_table(shop: Shop, table: ShopTable, facts: TableFacts) -> Iterator[Problem]:
    schema = table.source.partition(".")[0]
    if not facts.key:
        yield Problem(
            f"{_name(shop, table)} has no primary key, so its rows can't be told apart",
            f"as owner: ALTER TABLE {table.source} ADD PRIMARY KEY (…); or leave the table out",
        )
    if not facts.readable:
        yield Problem(
            f"the login {shop.user} may not read {table.source}",
            f"as owner: GRANT USAGE ON SCHEMA {schema} TO {shop.user}; GRANT SELECT ON {table.source} TO {shop.user};",
        )
    if unknown := [column for column in table.columns if column not in facts.columns]:
        yield Problem(f"{_name(shop, table)} has no column {unknown[0]}", did_you_mean(unknown[0], facts.columns))
    if table.columns and (left_out := [column for column in facts.key if column not in table.columns]):
        yield Problem(f"{_name(shop, table)} leaves out {left_out[0]} of its primary key", f"add {left_out[0]!r} to its columns")


def _check_publication(shop: Shop, facts: DatabaseFacts) -> Iterator[Problem]:
    if any(source not in facts.tables for source in shop.sources):
        return  # its tables come first: the statement below would name a table that does not exist
    needed = (*shop.sources, HEARTBEAT_TABLE, SIGNALS_TABLE)
    missing = [name for name in needed if name not in facts.published]
    if facts.publication is None:
        tables = ", ".join(needed)
        yield Problem(
            f"the publication {shop.publication} does not exist",
            f"as owner of the tables: CREATE PUBLICATION {shop.publication} FOR TABLE {tables};",
        )
    elif missing:
        yield Problem(
            f"the publication {shop.publication} does not have {', '.join(missing)}",
            f"as owner of the tables: ALTER PUBLICATION {shop.publication} ADD TABLE {', '.join(missing)};",
        )
    elif not facts.publication:
        yield Problem(
            f"the publication {shop.publication} leaves out inserts, updates or deletes",
            f"as its owner: ALTER PUBLICATION {shop.publication} SET (publish = 'insert, update, delete, truncate');",
        )


def _check_own(shop: Shop, facts: DatabaseFacts) -> Iterator[Problem]:
    """The two tables that Debezium writes to."""
    definitions = {HEARTBEAT_TABLE: "id int PRIMARY KEY, at timestamptz NOT NULL"}
    definitions[SIGNALS_TABLE] = "id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048)"
    for name, definition in definitions.items():
        if name not in facts.tables:
            remedy = f"as owner: CREATE SCHEMA IF NOT EXISTS cdc; CREATE TABLE {name} ({definition}); then grant the rights on it"
            yield Problem(f"the table {name} does not exist", "./run shop init" if shop.is_sample else remedy)
        elif not (facts.tables[name].readable and facts.tables[name].writable):
            yield Problem(
                f"the login {shop.user} may not write to {name}",
                f"as owner: GRANT USAGE ON SCHEMA cdc TO {shop.user}; GRANT SELECT, INSERT, UPDATE ON {name} TO {shop.user};",
            )


def _name(shop: Shop, table: ShopTable) -> str:
    return f"{shop.place}: tables.{table.name} ({table.source})" if shop.place else f"the table {table.source}"
