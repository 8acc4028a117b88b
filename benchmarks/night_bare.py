"""Spark counts the same events by customer and day and writes nothing: the least that reading and shuffling them costs."""

from __future__ import annotations

import time

from pyspark.sql import functions as F

from cdp.lake.paths import EVENTS, table_url
from cdp.settings import current
from cdp.spark import session

TYPES = ("view", "cart", "remove_from_cart", "purchase", "refund")


def main() -> None:
    settings = current()
    spark = session(settings, "bench bare night", settings.spark_job_cores, quiet=True)
    start = time.monotonic()
    events = spark.read.format("delta").load(table_url(settings, EVENTS))
    counts = events.groupBy("event_day", "user_id").agg(
        F.min("event_time"),
        F.max("event_time"),
        *(F.count_if(F.col("event_type") == event_type).alias(event_type) for event_type in TYPES),
        F.sum(F.when(F.col("event_type") == "purchase", F.col("quantity"))),
        F.sum("revenue"),
    )
    counts.write.format("noop").mode("overwrite").save()
    print(f"took {time.monotonic() - start:.2f} s")
    spark.stop()


if __name__ == "__main__":
    main()
