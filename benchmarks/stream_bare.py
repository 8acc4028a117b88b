"""Spark reads the topic, parses the JSON as strictly as the stream does, and writes nothing."""

from __future__ import annotations

import sys
import time

from pyspark.sql import functions as F

from cdp.settings import current
from cdp.spark import session

#: JSON by the standard; Jackson's defaults accept more.
STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}


def main(topic: str) -> None:
    settings = current()
    spark = session(settings, "bench bare", settings.spark_stream_cores, quiet=True)
    start = time.monotonic()
    messages = (
        spark.read.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_bootstrap)
        .option("kafka.isolation.level", "read_committed")
        .option("subscribe", topic)
        .load()
    )
    parsed = messages.select(
        F.from_json(F.col("value").cast("string"), "map<string, string>", STRICT), "topic", "partition", "offset", "timestamp"
    )
    parsed.write.format("noop").mode("overwrite").save()
    print(f"took {time.monotonic() - start:.2f} s")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
