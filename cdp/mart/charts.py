"""The Postgres tables behind the charts: a few rows a day, which add up to that day's row in `kpi_day`.

Events without a category or brand have a row under the empty text, so the rows of a day always add up. Customers, buyers and
orders are distinct within each row and do not add up over products, categories or brands: an order of two brands counts once
for each.
"""

from __future__ import annotations

from cdp.events import COUNTS
from cdp.mart.table import Column, Table, sums

#: Events by type. A type added later is 0 on earlier days.
COUNT_COLUMNS = tuple(Column(name, "integer", default="0") for name in COUNTS.values())

#: Money of one day or a part of it. The money refunded is gross revenue less revenue.
GROSS_REVENUE = Column("gross_revenue", "money", "the value of the purchases, before refunds", default="0")
REVENUE = Column("revenue", "money", "net: gross revenue less refunds")

_MEASURES = (
    *COUNT_COLUMNS,
    Column("customers", "integer", "customers with an event"),
    Column("buyers", "integer", "customers with a purchase"),
    Column("orders", "integer", "distinct orders with a purchase on this day"),
    Column("items", "integer", "units bought"),
    GROSS_REVENUE,
    REVENUE,
)
_ADD_UP = sums(*COUNTS.values(), "items", "gross_revenue", "revenue")

PRODUCT_DAY = Table(
    "product_day",
    "activity of one product on one day; a product that the day's events name with two categories or brands has a row for each",
    (
        Column("day", "date"),
        Column("product_id", "text"),
        Column("category", "text", "at most three levels, joined by dots; empty if there is none"),
        Column("brand", "text", "empty if there is none"),
        *_MEASURES,
    ),
    key=("day", "product_id", "category", "brand"),
    replaced="restated days",
    agrees=_ADD_UP,
)

CATEGORY_DAY = Table(
    "category_day",
    "activity of one category on one day, at each of three levels",
    (
        Column("day", "date"),
        Column("level", "integer", "1 to 3: how many levels of the category the row keeps"),
        Column(
            "category",
            "text",
            "the category cut to that many levels, joined by dots; a shorter one stays as it is; empty if there is none",
        ),
        *_MEASURES,
    ),
    key=("day", "level", "category"),
    replaced="restated days",
    agrees=_ADD_UP,
    agrees_within="level",
)

BRAND_DAY = Table(
    "brand_day",
    "activity of one brand on one day",
    (Column("day", "date"), Column("brand", "text", "empty if there is none"), *_MEASURES),
    key=("day", "brand"),
    replaced="restated days",
    agrees=_ADD_UP,
)

HOUR_DAY = Table(
    "hour_day",
    "activity of the shop in one hour of one day; an hour without an event has no row",
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

#: 0, then 1, 2 and 5 times each power of ten up to a thousand million, which suits prices in any currency.
ORDER_VALUE_BOUNDS = (0, *(step * 10**power for power in range(9) for step in (1, 2, 5)), 10**9)

ORDER_VALUE_DAY = Table(
    "order_value_day",
    "orders of one day by their value, before refunds; a range without an order has no row",
    (
        Column("day", "date"),
        Column("from_value", "money", "lower end of the range, included: 0, 1, 2, 5, 10, 20, 50 and so on"),
        Column("to_value", "money", "upper end of the range, not included; missing in the last range", required=False),
        Column("orders", "integer"),
        Column("revenue", "money", "total value of these orders, before refunds"),
    ),
    key=("day", "from_value"),
    replaced="restated days",
    agrees=(("orders", "sum(orders)"), ("gross_revenue", "sum(revenue)")),
    has_rows_where="orders",
)

COHORT_MONTH = Table(
    "cohort_month",
    "activity of one cohort in one month, up to the published day",
    (
        Column("cohort", "date", "first day of the month of a customer's first event"),
        Column("month", "date", "first day of the month of the activity"),
        Column(
            "customers",
            "integer",
            "customers with an event, refunds included; in the cohort's first month this is the size of the cohort",
        ),
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
    "customers by their scores, as of one published day; without customers who never ordered",
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
    # A customer who never ordered may have a refund, so net revenue only adds up over all customers.
    agrees=sums("gross_revenue"),
)

RFM_FLOW = Table(
    "rfm_flow",
    "customers by earlier and current RFM group, as of one published day; each customer is in one row per `since`",
    (
        Column("day", "date"),
        Column("since", "text", "how far back `from_group` looks: `day`: the day before; `month`: 30 days before"),
        Column("from_group", "text", "empty if there was no order by then"),
        Column("to_group", "text", "empty if there is no order yet"),
        Column("customers", "integer"),
    ),
    key=("day", "since", "from_group", "to_group"),
    replaced="published day",
)

#: Tables by day first, then tables as of the published day.
CHART_TABLES = (
    PRODUCT_DAY, CATEGORY_DAY, BRAND_DAY, HOUR_DAY, ORDER_VALUE_DAY, COHORT_MONTH, RFM_DAY, RFM_FLOW,
)  # fmt: skip
