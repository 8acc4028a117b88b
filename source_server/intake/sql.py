"""How texts and names stand in SQL, and the engine that runs it."""

from __future__ import annotations

import duckdb

#: Blocks are judged side by side instead: a block is too small to be shared out.
THREADS = 1


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def engine() -> duckdb.DuckDBPyConnection:
    """In memory, in UTC, never fetching extensions from the network, and without a progress bar of its own in what we print."""
    connection = duckdb.connect(
        config={"threads": THREADS, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
    connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return connection
