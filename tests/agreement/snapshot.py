"""A snapshot of generated customers as a DuckDB table in memory."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from tests.agreement.strategies import FIELDS, Customer
from tests.arrow_types import make_customers_schema

_SCHEMA = make_customers_schema(FIELDS)


class CustomerTable:
    """The table `customers` in memory, and queries for ids over it."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()

    def load(self, customers: list[Customer]) -> None:
        """Load the customers; the id of a customer is its position in the list."""
        rows = [{"customer_id": str(i), **customer} for i, customer in enumerate(customers)]
        self._connection.register("rows", pa.Table.from_pylist(rows, _SCHEMA))
        self._connection.execute("CREATE OR REPLACE TABLE customers AS SELECT * FROM rows")

    def read_ids(self, sql: str) -> list[str]:
        return sorted(row[0] for row in self._connection.execute(sql).fetchall())

    def close(self) -> None:
        self._connection.close()
