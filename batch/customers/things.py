"""One row per customer and thing (product, category or brand) with what the customer did with it, from the interactions up to a
day.

The expressions of cdp/metrics/things.py run over these rows. A category is written as its levels joined by dots.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.metrics.things import Thing


def build_things(interactions: DataFrame, as_of: date) -> DataFrame:
    """`customer_id`, `thing`, `name`, `views`, `carts`, `items`, `money`. All rows of a customer are in one partition, so neither
    this nor an aggregate over it shuffles rows again."""
    rows_up_to_day = interactions.where(F.col("day") <= F.lit(as_of)).repartition("customer_id")
    rows = rows_up_to_day.select(
        "customer_id",
        F.inline(_name_things()),
        _select_type("view", "events").alias("views"),
        _select_type("cart", "events").alias("carts"),
        _select_type("purchase", "quantity").alias("items"),
        "money",
    )
    sums = [F.sum(measure).alias(measure) for measure in ("views", "carts", "items", "money")]
    return rows.where("name IS NOT NULL").groupBy("customer_id", "thing", "name").agg(*sums)


def _name_things() -> Column:
    """The product, category and brand of one interaction, as an array of (thing, name)."""
    category = F.nullif(F.concat_ws(".", "category_1", "category_2", "category_3"), F.lit(""))
    names: dict[Thing, Column] = {"product": F.col("product_id"), "category": category, "brand": F.col("brand")}
    return F.array(*(F.struct(F.lit(thing).alias("thing"), name.alias("name")) for thing, name in names.items()))


def _select_type(event_type: str, column: str) -> Column:
    return F.when(F.col("event_type") == event_type, F.col(column)).otherwise(0)
