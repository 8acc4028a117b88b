"""Quotes texts and names for SQL, opens the DuckDB engine, and runs a query over many Arrow tables."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import duckdb
import pyarrow as pa

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


class _Source:
    """What a prepared query reads: DuckDB asks it for its table at each run, by Arrow's interface for other libraries."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


_numbers = count()


class PreparedQuery:
    """A query that is planned once and run over many tables of one schema. Planning takes 70 ms, as long as reading 10,000
    messages."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, schema: pa.Schema, make_query: Callable[[str], str]) -> None:
        """`make_query` gets the name of the table to select from."""
        self._engine, self._source, self._name = engine, _Source(schema.empty_table()), f"source_{next(_numbers)}"
        engine.register(self._name, self._source)
        engine.execute(f"PREPARE read_{self._name} AS {make_query(self._name)}")

    def run(self, table: pa.Table) -> pa.Table:
        self._source.table = table
        try:
            return self._engine.sql(f"EXECUTE read_{self._name}").to_arrow_table()
        finally:
            self._source.table = table.schema.empty_table()
