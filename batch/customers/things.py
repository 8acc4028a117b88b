"""A row a customer and thing (product, category or brand) with what was done with it, from the interactions up to a day.

The expressions of cdp/metrics/things.py run over these rows. A category is its levels joined by dots.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.metrics.things import Thing


def things(interactions: DataFrame, as_of: date) -> DataFrame:
    """`customer_id`, `thing`, `name`, `views`, `carts`, `items`, `money`. All of a customer lies in one partition, so that
    neither this nor what is counted from it moves rows again."""
    known = interactions.where(F.col("day") <= F.lit(as_of)).repartition("customer_id")
    done = known.select(
        "customer_id",
        F.inline(_named()),
        _of("view", "events").alias("views"),
        _of("cart", "events").alias("carts"),
        _of("purchase", "quantity").alias("items"),
        "money",
    )
    sums = [F.sum(measure).alias(measure) for measure in ("views", "carts", "items", "money")]
    return done.where("name IS NOT NULL").groupBy("customer_id", "thing", "name").agg(*sums)


def _named() -> Column:
    """An array of (thing, name): what one interaction was about."""
    category = F.nullif(F.concat_ws(".", "category_1", "category_2", "category_3"), F.lit(""))
    names: dict[Thing, Column] = {"product": F.col("product_id"), "category": category, "brand": F.col("brand")}
    return F.array(*(F.struct(F.lit(thing).alias("thing"), name.alias("name")) for thing, name in names.items()))


def _of(event_type: str, column: str) -> Column:
    return F.when(F.col("event_type") == event_type, F.col(column)).otherwise(0)
