"""Quotes texts and names for SQL, and opens the DuckDB engine."""

from __future__ import annotations

import duckdb

#: A block is too small for several threads; instead, several blocks are judged in parallel.
THREADS = 1


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def engine() -> duckdb.DuckDBPyConnection:
    """In memory, in UTC, without extensions from the network and without a progress bar in our output."""
    connection = duckdb.connect(
        config={"threads": THREADS, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
    connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return connection
