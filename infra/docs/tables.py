"""docs/tables.md, from the declarations of the charts' tables."""

from __future__ import annotations

from cdp.mart.charts import CHART_TABLES
from cdp.mart.daily import CUSTOMER_DAY, KPI_DAY
from cdp.mart.table import Replaced, Table
from cdp.settings import REPOSITORY

MARKDOWN_FILE = REPOSITORY / "docs" / "tables.md"
_REPLACED: dict[Replaced, str] = {
    "restated days": "the days it restates",
    "published day": "the published day",
    "whole": "all rows",
}

HEAD = """\
# Tables for charts

The tables that the [night](pipeline.md#the-night) writes to Postgres, schema `mart`, for pages and charts.
`.venv/bin/python -m infra.docs` writes this page from `cdp/mart/charts.py` and `cdp/mart/daily.py`.

- **Time.** Days, hours and months are UTC.
- **Money.** `gross_revenue` is the value of the purchases. `revenue` is **net**: gross revenue minus refunds. The money
  refunded is `gross_revenue - revenue`. A refund counts on its own day and in its own hour, so their net revenue may be below
  0. The values of orders are gross.
- **Sums.** Every table **adds up to `kpi_day`**; if one does not, the night publishes nothing. Events without a brand or
  category therefore have a row too, with an empty text. Customers, buyers and orders are distinct in each row. They do not add
  up over products, categories and brands, because one order may contain several.
- **Orders.** An order belongs to a customer and a day. An order over midnight counts on each of its days, with the purchases of
  that day. In `hour_day` it counts in the hour of its first purchase on the day; items and money of later purchases count in
  their own hours.
- **Categories.** A category is shown with one, two and three levels: `electronics`, `electronics.audio`,
  `electronics.audio.headphone`. Each level has all events. A category with fewer levels keeps its name at the deeper levels.
- **Late events.** Tables by day depend only on the events, whenever they arrived: a late event restates its own day. `rfm_day`
  and `rfm_flow` show what was known when their day was published, and have only published days and past snapshots.
  `cohort_month` belongs to the current publication.
- **Earlier days.** Publishing an earlier day again leaves the later days in place. Charts read the days up to the published one.
- **Cohorts.** The first month of a cohort has all its customers, so it is the cohort's size. The month of the published day is
  not over.

| table | contains | a row for each | a publication replaces | columns that add up to `kpi_day` |
|---|---|---|---|---|
"""


def tables_markdown() -> str:
    """The page: a table of tables, and one of each table's columns."""
    tables = (KPI_DAY, CUSTOMER_DAY, *CHART_TABLES)
    return HEAD + "\n".join(map(_row, tables)) + "\n" + "".join(map(_columns, tables))


def _row(table: Table) -> str:
    replaced = _REPLACED[table.replaced] if table.replaced else _REPLACED["restated days"]
    within = f", at each {table.agrees_within}" if table.agrees_within else ""
    adds_up = ", ".join(f"`{column}`" for column, _ in table.agrees) + within if table.agrees else "–"
    key = ", ".join(f"`{name}`" for name in table.key)
    return f"| [`{table.name}`](#{table.name}) | {table.about} | {key} | {replaced} | {adds_up} |"


def _columns(table: Table) -> str:
    head = f"\n## {table.name}\n\n{table.about[0].upper()}{table.about[1:]}.\n\n| column | kind | meaning |\n|---|---|---|\n"
    return head + "".join(f"| `{column.name}` | {column.kind} | {column.about} |\n" for column in table.columns)
