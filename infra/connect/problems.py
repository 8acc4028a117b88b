"""What keeps a shop's database from being read, each with what to do. Pure: from what was read to sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cdp.errors import did_you_mean
from infra.connect.database import OWN_TABLES, DatabaseFacts, TableFacts
from infra.connect.shop import CapturedTable, Shop

AGAIN = "./run connect"
#: Makes the sample shop's tables, logins, rights and publication again, and adds no rows.
INIT = "./run shop init --empty"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and what to do about it."""

    wrong: str
    remedy: str
    loses_changes: bool = False  # Postgres sends nothing of a table that is not published, and reports no error

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
        yield lacks_replication(shop)
    if facts.slot is None and facts.free_slots <= 0:
        yield Problem(
            "the server has no free replication slot",
            "drop one that nobody needs (see pg_replication_slots), or raise max_replication_slots and restart Postgres",
        )


def lacks_replication(shop: Shop) -> Problem:
    remedy = INIT if shop.is_sample else f"as administrator: ALTER ROLE {shop.user} REPLICATION;"
    return Problem(f"the login {shop.user} has no REPLICATION right", remedy)


def _ask_owner(shop: Shop, *statements: str) -> str:
    """What the owner of the tables must run."""
    return INIT if shop.is_sample else f"as owner: {' '.join(statements)}"


def _check_tables(shop: Shop, facts: DatabaseFacts) -> Iterator[Problem]:
    for table in shop.tables:
        if table.source in facts.tables:
            yield from _check_table(shop, table, facts.tables[table.source])
        else:
            remedy = INIT if shop.is_sample else did_you_mean(table.source, facts.tables)
            yield Problem(f"{_name(shop, table)} does not exist in {shop.address}", remedy)


def _check_table(shop: Shop, table: CapturedTable, facts: TableFacts) -> Iterator[Problem]:
    if not facts.key:
        yield Problem(
            f"{_name(shop, table)} has no primary key, so its rows can't be told apart",
            f"as owner: ALTER TABLE {table.source} ADD PRIMARY KEY (…); or leave the table out",
        )
    if not facts.readable:
        grant = f"GRANT SELECT ON {table.source} TO {shop.user};"
        yield Problem(f"the login {shop.user} may not read {table.source}", _ask_owner(shop, _use(table.source, shop), grant))
    if unknown := [column for column in table.columns if column not in facts.columns]:
        yield Problem(f"{_name(shop, table)} has no column {unknown[0]}", did_you_mean(unknown[0], facts.columns))
    if table.columns and (key_columns := [column for column in facts.key if column not in table.columns]):
        yield Problem(
            f"{_name(shop, table)} leaves out {key_columns[0]} of its primary key", f"add {key_columns[0]} to its columns"
        )


def _use(table: str, shop: Shop) -> str:
    return f"GRANT USAGE ON SCHEMA {table.partition('.')[0]} TO {shop.user};"


def _check_own(shop: Shop, facts: DatabaseFacts) -> Iterator[Problem]:
    """The two tables that Debezium writes to."""
    for name, (columns, rights) in OWN_TABLES.items():
        grants = f"{_use(name, shop)} GRANT {rights} ON {name} TO {shop.user};"
        if name not in facts.tables:
            create = f"CREATE SCHEMA IF NOT EXISTS {name.partition('.')[0]}; CREATE TABLE {name} ({columns});"
            yield Problem(f"the table {name} does not exist", _ask_owner(shop, create, grants))
        elif not (facts.tables[name].readable and facts.tables[name].writable):
            yield Problem(f"the login {shop.user} may not write to {name}", _ask_owner(shop, grants))


def _check_publication(shop: Shop, facts: DatabaseFacts) -> Iterator[Problem]:
    if any(source not in facts.tables for source in shop.sources):
        return  # its tables come first: a statement here would name a table that does not exist
    tables = (*shop.sources, *OWN_TABLES)
    missing = ", ".join(name for name in tables if name not in facts.published_tables)
    name = shop.publication
    if facts.publication is None:
        create = f"CREATE PUBLICATION {name} FOR TABLE {', '.join(tables)};"
        yield Problem(f"the publication {name} does not exist", _ask_owner(shop, create), loses_changes=True)
    elif missing:
        add = f"ALTER PUBLICATION {name} ADD TABLE {missing};"
        yield Problem(f"the publication {name} does not have {missing}", _ask_owner(shop, add), loses_changes=True)
    elif not facts.publication:
        change = f"ALTER PUBLICATION {name} SET (publish = 'insert, update, delete, truncate');"
        yield Problem(
            f"the publication {name} leaves out inserts, updates or deletes", f"as its owner: {change}", loses_changes=True
        )


def _name(shop: Shop, table: CapturedTable) -> str:
    return f"{shop.place}: tables.{table.name} ({table.source})" if shop.place else f"the table {table.source}"
