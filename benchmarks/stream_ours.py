"""Our stream, timed from its start to its end, without the start of the JVM."""

from __future__ import annotations

import threading
import time

from cdp.events import EVENTS_RAW
from cdp.settings import current
from cdp.spark import session
from streaming.book import Book
from streaming.checkpoint import Checkpoint
from streaming.sink import Sink
from streaming.stream import start
from streaming.tables import ensure_tables
from streaming.topic import topic_now


def main() -> None:
    settings, topic = current(), EVENTS_RAW.name
    spark = session(settings, "bench stream", settings.spark_stream_cores, quiet=True)
    ensure_tables(spark, settings)
    book = Book(settings, threading.Event())
    book.open()
    sink = Sink(settings, book, Checkpoint(spark, settings, topic), topic_now(settings, topic).id, print)
    start_time = time.monotonic()
    start(spark, settings, topic, sink, once=True).awaitTermination()
    print(f"took {time.monotonic() - start_time:.2f} s")
    book.close()
    spark.stop()


if __name__ == "__main__":
    main()
