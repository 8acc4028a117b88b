"""What the connector needs to know of the shop's database: its tables, rights, publication and slot."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from infra.connect.shop import Shop
from infra.stack.stack import Stack

CONNECT_SECONDS = 5
#: The tables of the connector's own in the shop's database: columns, and the rights that its login needs.
OWN_TABLES = {
    "cdc.heartbeat": ("id int PRIMARY KEY, at timestamptz NOT NULL", "SELECT, INSERT, UPDATE"),
    "cdc.signals": ("id varchar(64) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048)", "SELECT, INSERT"),
}

_LOGIN = """
    SELECT current_setting('wal_level'),
           (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user)
               OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_replication' AND pg_has_role(current_user, oid, 'MEMBER')),
           current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots),
           extract(epoch FROM clock_timestamp())::float
"""
_TABLES = """
    SELECT n.nspname || '.' || c.relname,
           ARRAY(SELECT a.attname::text FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
           ARRAY(SELECT a.attname::text FROM pg_index i, pg_attribute a
                 WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = ANY (i.indkey)),
           has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
           has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'INSERT')
               AND (c.relname <> 'heartbeat' OR has_table_privilege(c.oid, 'UPDATE'))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
_PUBLICATION = "SELECT pubinsert AND pubupdate AND pubdelete FROM pg_publication WHERE pubname = %s"
_PUBLISHED = "SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = %s"
_SLOT = """
    SELECT active, coalesce(wal_status, ''), coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)::bigint,
           coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint, confirmed_flush_lsn IS NOT NULL
    FROM pg_replication_slots WHERE slot_name = %s
"""
_SIGNAL = "INSERT INTO cdc.signals (id, type, data) VALUES (gen_random_uuid()::text, 'execute-snapshot', %s)"


@dataclass(frozen=True, slots=True)
class TableFacts:
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    readable: bool = True
    writable: bool = False


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """The replication slot: how far the connector has read Postgres' log (WAL)."""

    active: bool
    wal_status: str
    lag: int  # bytes that the connector has not confirmed
    waiting_bytes: int  # bytes of the log that Postgres keeps for the slot
    complete: bool = True  # its creation has ended, which waits for all open transactions


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    wal_level: str
    may_replicate: bool
    free_slots: int
    now: float  # by its own clock
    tables: Mapping[str, TableFacts]  # by schema.table; all that the database has
    publication: bool | None  # whether it has inserts, updates and deletes; None: it does not exist
    published_tables: frozenset[str] = frozenset()
    slot: SlotFacts | None = None


class PasswordMissing(Exception):
    """The environment variable with the database's password is not set."""


def find_password(stack: Stack, shop: Shop) -> str:
    """From the environment of ./run, or else from the one with which the running worker was started."""
    name = shop.password_variable
    if shop.is_sample:
        return stack.settings.shop_cdc_password
    password = os.environ.get(name) or read_worker_environment(stack).get(name, "")
    if not password:
        raise PasswordMissing(name)
    return password


def read_worker_environment(stack: Stack) -> Mapping[str, str]:
    """The environment of the native worker; empty in a container, where it is that of the process."""
    try:
        environment: Mapping[str, str] = json.loads((stack.run_dir / "connect.json").read_text())["env"]
    except (OSError, ValueError, KeyError):
        return {}
    return environment


def connect(shop: Shop, password: str) -> Any:
    import psycopg2

    connection = psycopg2.connect(
        host=shop.host,
        port=shop.port,
        dbname=shop.database,
        user=shop.user,
        password=password,
        connect_timeout=CONNECT_SECONDS,
        application_name="./run connect",
    )
    connection.autocommit = True
    return connection


def read_facts(shop: Shop, password: str) -> DatabaseFacts:
    with closing(connect(shop, password)) as connection, connection.cursor() as cursor:
        wal_level, may_replicate, free_slots, now = _read_row(cursor, _LOGIN)
        cursor.execute(_TABLES)
        tables = {name: TableFacts(tuple(columns), tuple(key), *rights) for name, columns, key, *rights in cursor.fetchall()}
        publication = _read_row(cursor, _PUBLICATION, shop.publication)
        cursor.execute(_PUBLISHED, [shop.publication])
        published_tables = frozenset(name for (name,) in cursor.fetchall())
        slot = _read_row(cursor, _SLOT, shop.slot)
        return DatabaseFacts(
            wal_level=wal_level,
            may_replicate=may_replicate,
            free_slots=free_slots,
            now=now,
            tables=tables,
            publication=publication[0] if publication else None,
            published_tables=published_tables,
            slot=SlotFacts(*slot) if slot else None,
        )


def _read_row(cursor: Any, query: str, *parameters: str) -> Any:
    cursor.execute(query, parameters)
    return cursor.fetchone()


def drop_slot(shop: Shop, password: str) -> bool:
    """Drop the slot, which would keep Postgres' log for ever. Returns whether there was one."""
    with closing(connect(shop, password)) as connection, connection.cursor() as cursor:
        row = _read_row(
            cursor, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", shop.slot
        )
        return row is not None


def request_snapshot(shop: Shop, password: str, sources: tuple[str, ...]) -> None:
    """Ask the connector by a row in cdc.signals to send all rows of these tables again, beside the changes."""
    request = json.dumps({"type": "incremental", "data-collections": list(sources)})
    with closing(connect(shop, password)) as connection, connection.cursor() as cursor:
        cursor.execute(_SIGNAL, [request])
