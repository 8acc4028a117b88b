"""Counts customers by the day of their first event, from `customer_day` alone: the gate compares the result with the snapshot, so
the snapshot must not be used here.

DuckDB runs the query: two columns and a count cost less than planning a Spark job.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb
from deltalake import DeltaTable

from cdp.lake.paths import CUSTOMER_DAY, table_url
from cdp.settings import Settings


def count_newcomers(settings: Settings) -> Mapping[date, int]:
    """New customers per day, for every day that has any: a late event can move a customer's first day."""
    first_days = "SELECT min(day) AS day FROM customer_day GROUP BY customer_id"
    with duckdb.connect() as duck:
        duck.execute("SET enable_progress_bar = false")  # it would mix with the night's output
        duck.register("customer_day", DeltaTable(table_url(settings, CUSTOMER_DAY)).to_pyarrow_dataset())
        return dict(duck.execute(f"SELECT day, count(*) FROM ({first_days}) GROUP BY day").fetchall())
