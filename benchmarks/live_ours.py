"""Our stream "live" on the topic of the first argument; prints a line of JSON for each batch, until SIGTERM."""

from __future__ import annotations

import json
import signal
import sys
import threading
from dataclasses import replace

from pyspark.sql.streaming.query import StreamingQueryProgress

from cdp.settings import current
from cdp.spark import end_session, session
from streaming.batches import BatchHandler
from streaming.checkpoint import Checkpoint
from streaming.live.query import LIVE_QUERY
from streaming.lock import LockedConnection
from streaming.query import start_query
from streaming.topic import read_topics

LOOK_SECONDS = 0.1


def main(topic: str) -> None:
    settings, query, stop = current(), replace(LIVE_QUERY, topics=(topic,)), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    spark = session(settings, "bench live", settings.live_stream_cores, quiet=True)
    connection = LockedConnection(settings, query.name, stop)
    connection.open()
    handler = BatchHandler(
        settings, query, connection, Checkpoint(spark, settings, query), read_topics(settings, query.topics), lambda line: None
    )
    running, last = start_query(spark, settings, query, handler, once=False), -1
    print("ready", flush=True)
    while not stop.is_set():
        running.awaitTermination(LOOK_SECONDS)  # type: ignore[arg-type]  # raises the query's error
        for progress in running.recentProgress:
            if progress.batchId > last and progress.numInputRows:
                last = progress.batchId
                print(json.dumps(describe(progress)), flush=True)
    running.stop()
    connection.close()
    end_session(spark)


def describe(progress: StreamingQueryProgress) -> dict[str, int]:
    (state,) = progress.stateOperators
    return {
        "received": progress.numInputRows,
        "milliseconds": progress.durationMs["triggerExecution"],
        "ids": state.numRowsTotal,
        "state_bytes": state.customMetrics.get("rocksdbTotalSSTFilesSize", state.memoryUsedBytes),
    }


if __name__ == "__main__":
    main(sys.argv[1])
