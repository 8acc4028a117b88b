"""Customers by the day of their first event, from `customer_day` alone: the gate holds their number against the snapshot's, which
therefore has no say in it.

DuckDB asks it: two columns and a count are less work than a plan of Spark's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb
from deltalake import DeltaTable

from cdp.paths import CUSTOMER_DAY, table_url
from cdp.settings import Settings


def newcomers(settings: Settings) -> Mapping[date, int]:
    """Of all days that have some: a late event can take a customer's first away from another day."""
    firsts = "SELECT min(day) AS day FROM customer_day GROUP BY customer_id"
    with duckdb.connect() as duck:
        duck.execute("SET enable_progress_bar = false")  # it would stand among what the night prints
        duck.register("customer_day", DeltaTable(table_url(settings, CUSTOMER_DAY)).to_pyarrow_dataset())
        return dict(duck.execute(f"SELECT day, count(*) FROM ({firsts}) GROUP BY day").fetchall())
