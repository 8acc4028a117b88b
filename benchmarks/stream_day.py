"""What a day of streaming leaves on HDFS: files per day, NameNode objects and the time to list them, before and after the night's
compaction.

The stream is the real one, on the real path, but faster: each batch takes the messages of thirty seconds, and batches follow each
other without a pause. A whole day has 2,880 batches; --scale 1 makes those of the first two hours, --scale 12 the whole day.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hdfs import InsecureClient

from batch.hdfs.compact import compact
from batch.hdfs.tables import vacuum
from benchmarks.history import make_day
from benchmarks.outcome import Goal, Outcome
from cdp.lake.paths import EVENTS
from cdp.settings import REPOSITORY
from cdp.spark import session
from infra.stack.files import TableFiles, holdings
from infra.stack.services import spark as spark_service
from infra.stack.services.hdfs import USER, read_namenode_bean
from infra.stack.stack import Stack
from source_server.generate import LAST_DAY
from source_server.intake import mapping_for, store
from source_server.produce.producer import produce

HOURS = 2.0
SECONDS_A_BATCH = 30
MESSAGES_A_BATCH = 500
#: Files of the day itself after compaction; late events of each earlier day have a file too.
MOST_FILES = 8
LISTED_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class HdfsState:
    """The tables' files on HDFS at one moment."""

    tables: Sequence[TableFiles]
    seconds: float  # to list them

    @property
    def files_of_day(self) -> int:
        return next(table for table in self.tables if table.name == EVENTS).days[LAST_DAY.isoformat()].files

    @property
    def objects(self) -> int:
        return sum(table.objects for table in self.tables)


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("stream-day")
    rows = _send_day(stack, round(HOURS * scale * 3600 / SECONDS_A_BATCH) * MESSAGES_A_BATCH)
    changes, start = _count_changes(stack), time.monotonic()
    batches = _stream_all(stack)
    seconds = time.monotonic() - start
    outcome.measure("hours of streaming", batches * SECONDS_A_BATCH / 3600, "h", "a whole day has 24")
    outcome.measure("messages", rows, "", f"{MESSAGES_A_BATCH} a batch")
    outcome.measure("batches", batches, "", f"one in {SECONDS_A_BATCH} s")
    outcome.measure("time per batch", seconds / batches, "s", "from Kafka into three tables")
    outcome.measure("changes of HDFS per batch", (_count_changes(stack) - changes) / batches, "", "as the NameNode logs them")
    outcome.measure(
        "Spark's log of these batches",
        _measure_spark_log(stack) / 2**20,
        "MB",
        "compressed; the history server keeps the end of it",
    )
    before, after, vacuumed = _compact_and_vacuum(stack)
    for when, state in (("before compaction", before), ("after compaction", after), ("after the vacuum", vacuumed)):
        outcome.measure(f"{when}: files of the day", state.files_of_day, "")
        outcome.measure(f"{when}: NameNode objects", state.objects, "", "files, blocks and folders of all tables")
        outcome.measure(f"{when}: time to list", state.seconds, "s", "all tables: ./run files")
    outcome.goals += [
        Goal("files of the day after compaction", vacuumed.files_of_day, MOST_FILES, at_least=False),
        Goal("time to list before compaction, s", before.seconds, LISTED_WITHIN, at_least=False),
    ]
    return outcome


def _send_day(stack: Stack, events: int) -> int:
    """Send one day's messages to Kafka; returns their number."""
    path = stack.state / "day.parquet"
    make_day(path, events)
    dataset = store.add(stack.settings, path, mapping_for(None))
    produce(stack.settings, dataset.name)
    return dataset.rows


def _stream_all(stack: Stack) -> int:
    """Run the stream over all messages; returns the number of batches."""
    env = stack.base_env | spark_service.build_environment(stack) | {"CDP_STREAM_BATCH_MESSAGES": str(MESSAGES_A_BATCH)}
    argv = [sys.executable, "-m", "streaming", "--once"]
    result = subprocess.run(argv, env=env, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    return result.stdout.count("stream: batch ")


def _count_changes(stack: Stack) -> int:
    return int(read_namenode_bean(stack.settings, "FSNamesystem")["LastWrittenTransactionId"])


def _measure_spark_log(stack: Stack) -> int:
    """Bytes of the logs of all applications, of which the stream is the only one."""
    client = InsecureClient(stack.settings.hdfs_http, user=USER)
    return int(client.content(f"{stack.settings.hdfs_root}/_spark-events")["length"])


def _compact_and_vacuum(stack: Stack) -> tuple[HdfsState, HdfsState, HdfsState]:
    """The state before compaction, after it, and after the vacuum of the replaced files."""
    settings = stack.settings
    spark = session(settings, "bench stream-day", settings.spark_job_cores, quiet=True)
    try:
        before = _list_tables(stack)
        compact(spark, settings, LAST_DAY, datetime.now(UTC))
        after = _list_tables(stack)
        vacuum(spark, settings, EVENTS, 0)
        return before, after, _list_tables(stack)
    finally:
        spark.stop()


def _list_tables(stack: Stack) -> HdfsState:
    start = time.monotonic()
    tables = holdings(stack.settings)
    return HdfsState(tables, time.monotonic() - start)
