"""Quotes texts and names for SQL, and opens the DuckDB engine."""

from __future__ import annotations

import duckdb

#: A batch is too small for several threads; several batches are read in parallel instead.
THREADS = 1


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def if_then(cheap: str, costly: str) -> str:
    """SQL of both conditions; unlike AND, the second is evaluated only if the first holds."""
    return f"CASE WHEN {cheap} THEN {costly} ELSE false END"


def open_engine() -> duckdb.DuckDBPyConnection:
    """In memory, in UTC, without extensions from the network and without a progress bar in our output."""
    connection = duckdb.connect(
        config={"threads": THREADS, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
    connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    # DuckDB's own `lower` knows no letter that becomes two, and no final sigma.
    connection.create_function("lower_text", str.lower, [duckdb.sqltypes.VARCHAR], duckdb.sqltypes.VARCHAR)
    return connection
