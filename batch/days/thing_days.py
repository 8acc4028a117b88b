"""What customers did with each product, category and brand on each day, counted in one pass over the events.

The rows of the three tables are in one frame. Columns that a table does not have hold 0 or an empty string.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.days.events import match_types, purchase_revenue
from cdp.events import COUNTS
from cdp.mart.charts import BRAND_DAY, CATEGORY_DAY, PRODUCT_DAY
from cdp.mart.table import Table

TABLES = (PRODUCT_DAY, CATEGORY_DAY, BRAND_DAY)
LEVELS = (1, 2, 3)
THING = ["table", "level", "product_id", "category", "brand"]
_SUMS = (*COUNTS.values(), "items", "gross_revenue", "revenue")


def build_thing_days(events: DataFrame) -> DataFrame:
    """`table`, which names the table of the row, and the columns of all three tables."""
    sums = [F.sum(name).alias(name) for name in ("orders", *_SUMS)]
    buyers = F.count_if(F.col("orders") > 0).alias("buyers")
    return _count_by_customer(events).groupBy("day", *THING).agg(F.count("*").alias("customers"), buyers, *sums)


def _count_by_customer(events: DataFrame) -> DataFrame:
    """One row per customer, day and thing. All events of a customer are in one partition already, so this moves no row."""
    is_purchase = F.col("event_type") == "purchase"
    rows = events.select(
        "day",
        "customer_id",
        F.inline(_list_things()),
        *(has_type.cast("int").alias(name) for name, has_type in match_types().items()),
        F.when(is_purchase, F.col("quantity")).otherwise(0).alias("items"),
        F.coalesce(purchase_revenue(), F.lit(0)).alias("gross_revenue"),
        F.coalesce("revenue", F.lit(0)).alias("revenue"),
        F.when(is_purchase, F.col("order_id")).alias("order"),
    )
    sums = [F.sum(name).alias(name) for name in _SUMS]
    return rows.groupBy("day", "customer_id", *THING).agg(F.count_distinct("order").alias("orders"), *sums)


def _list_things() -> Column:
    """The product of one event, its category at each level, and its brand."""
    categories = {level: F.concat_ws(".", *(f"category_{n}" for n in LEVELS[:level])) for level in LEVELS}
    brand = F.coalesce("brand", F.lit(""))
    return F.array(
        _make_thing(PRODUCT_DAY, product_id=F.col("product_id"), category=categories[3], brand=brand),
        *(_make_thing(CATEGORY_DAY, level=F.lit(level), category=category) for level, category in categories.items()),
        _make_thing(BRAND_DAY, brand=brand),
    )


def _make_thing(table: Table, **names: Column) -> Column:
    empty = {"level": F.lit(0), "product_id": F.lit(""), "category": F.lit(""), "brand": F.lit("")}
    return F.struct(F.lit(table.name).alias("table"), *(value.alias(name) for name, value in (empty | names).items()))
