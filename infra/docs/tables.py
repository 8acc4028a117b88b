"""docs/tables.md, from the declarations of the charts' tables."""

from __future__ import annotations

from cdp.chart_tables import CHART_TABLES
from cdp.settings import REPOSITORY
from cdp.table import Replaced, Table
from cdp.warehouse import CUSTOMER_DAY, KPI_DAY

MARKDOWN_FILE = REPOSITORY / "docs" / "tables.md"
_REPLACED: dict[Replaced, str] = {
    "restated days": "the days that it restates",
    "published day": "the published day",
    "whole": "all of it",
}

HEAD = """\
# Tables for charts

What the [night](pipeline.md#the-night) puts into Postgres, schema `mart`, for pages and charts. This page is written from
`cdp/chart_tables.py` and `cdp/warehouse.py` by `.venv/bin/python -m infra.docs`.

- Days, hours and months are UTC.
- `gross_revenue` is what the purchases are worth; `revenue` is **net**, less what was refunded. The money refunded is
  `gross_revenue - revenue`. A refund counts on its own day and in its own hour, whose net revenue may be below 0. The values of
  orders are gross.
- Everything **adds up to `kpi_day`**, and the night publishes nothing where it does not. So what the events give no brand or
  category has a row as well: its text is empty. Customers, buyers and orders are distinct in each row: they do not add up over
  products, categories and brands, for one order may hold several.
- An **order** belongs to a customer and a day. One over midnight is one on each of its days, with what was bought there. In
  `hour_day` it lies in the hour of its first purchase on the day; what is bought in a later hour is in the items and the money
  of that hour.
- A **category** is looked at with one, two and three levels: `electronics`, `electronics.audio`, `electronics.audio.headphone`.
  Each level has all events. A category with fewer levels keeps its name at the deeper ones.
- Tables of days are of the events alone, whenever they came: a late event restates its own day. `rfm_day` and `rfm_flow` are of
  what was known when their day was published, and have the days that were; `cohort_month` is of the publication that serves.
- Publishing an earlier day again leaves the later days where they are. Charts read the days up to the published one.
- The first month of a cohort has all its customers: it is the cohort's size. The month of the published day is not over.

| table | says | a row for each | a publication replaces | adds up to the shop |
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
    head = f"\n## {table.name}\n\n{table.about[0].upper()}{table.about[1:]}.\n\n| column | kind | says |\n|---|---|---|\n"
    return head + "".join(f"| `{column.name}` | {column.kind} | {column.about} |\n" for column in table.columns)
