"""What was done with each product, category and brand on each day, counted in one pass over the events.

Columns that a table does not have hold 0 or the empty text, so that the rows of the three lie in one frame.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.days.events import gross, of_type
from cdp.chart_tables import BRAND_DAY, CATEGORY_DAY, PRODUCT_DAY
from cdp.events import COUNTS
from cdp.table import Table

TABLES = (PRODUCT_DAY, CATEGORY_DAY, BRAND_DAY)
LEVELS = (1, 2, 3)
THING = ["table", "level", "product_id", "category", "brand"]
_SUMS = (*COUNTS.values(), "items", "gross_revenue", "revenue")


def thing_days(events: DataFrame) -> DataFrame:
    """`table`, the name of one, and the columns of all."""
    sums = [F.sum(name).alias(name) for name in ("orders", *_SUMS)]
    buyers = F.count_if(F.col("orders") > 0).alias("buyers")
    return _of_customers(events).groupBy("day", *THING).agg(F.count("*").alias("customers"), buyers, *sums)


def _of_customers(events: DataFrame) -> DataFrame:
    """A row a customer, day and thing. All of a customer lies in one partition already, so that this moves no row."""
    bought = F.col("event_type") == "purchase"
    done = events.select(
        "day",
        "customer_id",
        F.inline(_things()),
        *(is_one.cast("int").alias(name) for name, is_one in of_type().items()),
        F.when(bought, F.col("quantity")).otherwise(0).alias("items"),
        F.coalesce(gross(), F.lit(0)).alias("gross_revenue"),
        F.coalesce("revenue", F.lit(0)).alias("revenue"),
        F.when(bought, F.col("order_id")).alias("order"),
    )
    sums = [F.sum(name).alias(name) for name in _SUMS]
    return done.groupBy("day", "customer_id", *THING).agg(F.count_distinct("order").alias("orders"), *sums)


def _things() -> Column:
    """What one event was about: its product, its category at each level, its brand."""
    categories = {level: F.concat_ws(".", *(f"category_{n}" for n in LEVELS[:level])) for level in LEVELS}
    brand = F.coalesce("brand", F.lit(""))
    return F.array(
        _thing(PRODUCT_DAY, product_id=F.col("product_id"), category=categories[3], brand=brand),
        *(_thing(CATEGORY_DAY, level=F.lit(level), category=category) for level, category in categories.items()),
        _thing(BRAND_DAY, brand=brand),
    )


def _thing(table: Table, **names: Column) -> Column:
    nothing = {"level": F.lit(0), "product_id": F.lit(""), "category": F.lit(""), "brand": F.lit("")}
    return F.struct(F.lit(table.name).alias("table"), *(value.alias(name) for name, value in (nothing | names).items()))
