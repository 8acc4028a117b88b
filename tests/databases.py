"""Creates a database for one test on the stack's Postgres and drops it afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg2

from cdp.postgres import connection_arguments
from cdp.settings import Settings


@contextmanager
def database(settings: Settings, template: str = "") -> Iterator[Settings]:
    """The settings with a new database, which exists until the end of the block. It is empty, or a copy of another one."""
    name = f"test_{uuid.uuid4().hex[:8]}"
    administer(settings, f"CREATE DATABASE {name} TEMPLATE {template or 'template1'}")
    try:
        yield replace(settings, postgres_database=name)
    finally:
        administer(settings, f"DROP DATABASE {name} WITH (FORCE)")


def administer(settings: Settings, statement: str) -> None:
    connection = psycopg2.connect(**connection_arguments(replace(settings, postgres_database="postgres"), "test"))
    connection.autocommit = True
    try:
        connection.cursor().execute(statement)
    finally:
        connection.close()


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(**connection_arguments(settings, "test"))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    finally:
        connection.close()
