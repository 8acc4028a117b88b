"""Customers by the day of their first event. The snapshot has that day of all who had come by its own; who came later, where
there are later days, is found in `customer_day`.

DuckDB asks it: two columns and a count are less work than a plan of Spark's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb
import pyarrow.compute as pc
from deltalake import DeltaTable

from cdp.paths import CUSTOMER_DAY, CUSTOMERS, table_url
from cdp.settings import Settings

_FIRSTS = """
SELECT first_seen AS day FROM snapshot
UNION ALL
SELECT min(day) FROM later WHERE customer_id NOT IN (SELECT customer_id FROM snapshot) GROUP BY customer_id
"""


def newcomers(settings: Settings, customers_version: int, as_of: date) -> Mapping[date, int]:
    """Of all days that have some: a late event can take a customer's first away from another day."""
    snapshot = DeltaTable(table_url(settings, CUSTOMERS), version=customers_version).to_pyarrow_dataset()
    days = DeltaTable(table_url(settings, CUSTOMER_DAY)).to_pyarrow_dataset()
    with duckdb.connect() as duck:
        duck.register("snapshot", snapshot)
        # Asked here, so that the files of the days before are not even opened.
        duck.register("later", days.filter(pc.field("day") > as_of))
        return dict(duck.execute(f"SELECT day, count(*) FROM ({_FIRSTS}) GROUP BY day").fetchall())
