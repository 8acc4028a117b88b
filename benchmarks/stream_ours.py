"""Our stream, timed from its start to its end, without the start of the JVM."""

from __future__ import annotations

import threading
import time

from cdp.settings import current
from cdp.spark import session
from streaming.batches import BatchHandler
from streaming.checkpoint import Checkpoint
from streaming.events.query import EVENTS_QUERY
from streaming.lock import LockedConnection
from streaming.query import start_query
from streaming.tables import ensure_tables
from streaming.topic import read_topics


def main() -> None:
    settings, query = current(), EVENTS_QUERY
    spark = session(settings, "bench stream", settings.spark_stream_cores, quiet=True)
    ensure_tables(settings, query.tables)
    connection = LockedConnection(settings, query.name, threading.Event())
    connection.open()
    topics, checkpoint = read_topics(settings, query.topics), Checkpoint(spark, settings, query)
    handler = BatchHandler(settings, query, connection, checkpoint, topics, print)
    start_time = time.monotonic()
    start_query(spark, settings, query, handler, once=True).awaitTermination()
    print(f"took {time.monotonic() - start_time:.2f} s")
    connection.close()
    spark.stop()


if __name__ == "__main__":
    main()
