"""The tables in Postgres that charts read: few rows a day, which add up to the row of the day in `kpi_day`.

What the events don't name has a row too, under the empty text: so the rows of a day add up whatever was left out. Customers,
buyers and orders are distinct in each row, and do not add up over things: an order of two brands is one of each.
"""

from __future__ import annotations

from cdp.events import COUNTS
from cdp.table import Column, Table, sums

#: Events by type. One that is new is 0 on the days before.
COUNT_COLUMNS = tuple(Column(name, "integer", default="0") for name in COUNTS.values())

#: Of one day or a part of it. What was refunded is the first less the second.
GROSS_REVENUE = Column("gross_revenue", "money", "the value of the purchases, before refunds", default="0")
REVENUE = Column("revenue", "money", "net: gross revenue less what was refunded")

_MEASURES = (
    *COUNT_COLUMNS,
    Column("customers", "integer", "customers with an event of it"),
    Column("buyers", "integer", "customers who bought it"),
    Column("orders", "integer", "distinct orders with a purchase of it on this day"),
    Column("items", "integer", "units bought"),
    GROSS_REVENUE,
    REVENUE,
)
_ADD_UP = sums(*COUNTS.values(), "items", "gross_revenue", "revenue")

PRODUCT_DAY = Table(
    "product_day",
    "what was done with one product on one day; a product that the events of a day name in two ways has a row for each",
    (
        Column("day", "date"),
        Column("product_id", "text"),
        Column("category", "text", "its levels, at most three, joined by dots; empty where there is none"),
        Column("brand", "text", "empty where there is none"),
        *_MEASURES,
    ),
    key=("day", "product_id", "category", "brand"),
    replaced="restated days",
    agrees=_ADD_UP,
)

CATEGORY_DAY = Table(
    "category_day",
    "what was done with one category on one day, at each of three levels",
    (
        Column("day", "date"),
        Column("level", "integer", "1 to 3: how many levels of the category are looked at"),
        Column("category", "text", "its levels up to that one, joined by dots; one with fewer stays as it is; empty: none"),
        *_MEASURES,
    ),
    key=("day", "level", "category"),
    replaced="restated days",
    agrees=_ADD_UP,
    agrees_within="level",
)

BRAND_DAY = Table(
    "brand_day",
    "what was done with one brand on one day",
    (Column("day", "date"), Column("brand", "text", "empty where there is none"), *_MEASURES),
    key=("day", "brand"),
    replaced="restated days",
    agrees=_ADD_UP,
)

HOUR_DAY = Table(
    "hour_day",
    "what the shop did in one hour of one day; an hour without an event has no row",
    (
        Column("day", "date"),
        Column("hour", "integer", "0 to 23, in UTC"),
        Column("events", "integer"),
        Column("customers", "integer", "customers with an event in this hour"),
        *COUNT_COLUMNS,
        Column("orders", "integer", "orders whose first purchase on this day is in this hour"),
        Column("items", "integer", "units bought in this hour"),
        GROSS_REVENUE,
        REVENUE,
    ),
    key=("day", "hour"),
    replaced="restated days",
    agrees=sums("events", *COUNTS.values(), "orders", "items", "gross_revenue", "revenue"),
)

#: 0, then 1, 2 and 5 times each power of ten up to a thousand million: it does for prices in any currency.
ORDER_VALUE_BOUNDS = (0, *(step * 10**power for power in range(9) for step in (1, 2, 5)), 10**9)

ORDER_VALUE_DAY = Table(
    "order_value_day",
    "orders of one day by their value as they were placed; a range without an order has no row",
    (
        Column("day", "date"),
        Column("from_value", "money", "the least value of the range: 0, 1, 2, 5, 10, 20, 50 and so on"),
        Column("to_value", "money", "where the next range begins; missing in the last one", required=False),
        Column("orders", "integer"),
        Column("revenue", "money", "the values of these orders together, before refunds"),
    ),
    key=("day", "from_value"),
    replaced="restated days",
    agrees=(("orders", "sum(orders)"), ("gross_revenue", "sum(revenue)")),
    has_rows_where="orders",
)

COHORT_MONTH = Table(
    "cohort_month",
    "what customers of one first month did in one month, up to the published day",
    (
        Column("cohort", "date", "first day of the month of a customer's first event"),
        Column("month", "date", "first day of the month of what was done"),
        Column("customers", "integer", "customers with an event, a refund included; in the month of the cohort that is its size"),
        Column("buyers", "integer", "customers with an order"),
        Column("orders", "integer"),
        REVENUE,
    ),
    key=("cohort", "month"),
    replaced="whole",
    agrees=sums("orders", "revenue"),
)

RFM_DAY = Table(
    "rfm_day",
    "customers by their scores, as of one published day; who never ordered is not in it",
    (
        Column("day", "date"),
        Column("recency_score", "integer"),
        Column("frequency_score", "integer"),
        Column("monetary_score", "integer"),
        Column("rfm_group", "text"),
        Column("customers", "integer"),
        GROSS_REVENUE,
        REVENUE,
    ),
    key=("day", "recency_score", "frequency_score", "monetary_score"),
    replaced="published day",
    # A refund may be of somebody who never ordered: net revenue adds up over all customers alone.
    agrees=sums("gross_revenue"),
)

RFM_FLOW = Table(
    "rfm_flow",
    "customers by the RFM group that they were in and are in, as of one published day; for each `since` a customer is in one row",
    (
        Column("day", "date"),
        Column("since", "text", "`day`: from the day before; `month`: from 30 days before"),
        Column("from_group", "text", "empty: no order then"),
        Column("to_group", "text", "empty: no order yet"),
        Column("customers", "integer"),
    ),
    key=("day", "since", "from_group", "to_group"),
    replaced="published day",
)

#: Those of the days first, then those as of a day.
CHART_TABLES = (
    PRODUCT_DAY, CATEGORY_DAY, BRAND_DAY, HOUR_DAY, ORDER_VALUE_DAY, COHORT_MONTH, RFM_DAY, RFM_FLOW,
)  # fmt: skip
