"""The stream as it is, timed from its start to its end, without the start of the JVM."""

from __future__ import annotations

import time

from cdp.events import EVENTS_RAW
from cdp.settings import current
from cdp.spark import session
from streaming.sink import Sink
from streaming.stream import start
from streaming.tables import ensure_tables


def main() -> None:
    settings = current()
    spark = session(settings, "bench stream", settings.spark_stream_cores, quiet=True)
    ensure_tables(spark, settings)
    begun = time.monotonic()
    start(spark, settings, EVENTS_RAW.name, Sink(settings, print), once=True).awaitTermination()
    print(f"took {time.monotonic() - begun:.2f} s")
    spark.stop()


if __name__ == "__main__":
    main()
