"""What a day of streaming leaves on HDFS: files a day, objects of the NameNode and the time to list them, before and after the
night's compaction.

The stream is the real one, on the real path; only its clock is quicker: it takes as many messages a batch as thirty seconds
bring, one batch after the other. A whole day is 2,880 batches; --scale 1 makes the first two hours of them, 12 the day.
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
from cdp.paths import EVENTS
from cdp.settings import REPOSITORY
from cdp.spark import session
from infra.stack.files import TableFiles, holdings
from infra.stack.services import spark as spark_service
from infra.stack.services.hdfs import USER, read_namenode_bean
from infra.stack.stack import Stack
from source_server import store
from source_server.generate import LAST_DAY
from source_server.intake import mapping_for
from source_server.producer import produce

HOURS = 2.0
SECONDS_A_BATCH = 30
MESSAGES_A_BATCH = 500
#: Of the day itself, once it is compact; late events of earlier days have a file each day too.
MOST_FILES = 8
LISTED_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies on HDFS at one moment."""

    tables: Sequence[TableFiles]
    seconds: float  # it took to list

    @property
    def files_of_day(self) -> int:
        return next(table for table in self.tables if table.name == EVENTS).days[LAST_DAY.isoformat()].files

    @property
    def objects(self) -> int:
        return sum(table.objects for table in self.tables)


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("stream-day")
    rows = _sent(stack, round(HOURS * scale * 3600 / SECONDS_A_BATCH) * MESSAGES_A_BATCH)
    changes, begun = _changes(stack), time.monotonic()
    batches = _streamed(stack)
    seconds = time.monotonic() - begun
    outcome.measure("hours of streaming", batches * SECONDS_A_BATCH / 3600, "h", "a day's figures are those of 24")
    outcome.measure("messages", rows, "", f"{MESSAGES_A_BATCH} a batch")
    outcome.measure("batches", batches, "", f"one in {SECONDS_A_BATCH} s")
    outcome.measure("a batch takes", seconds / batches, "s", "from Kafka into three tables")
    outcome.measure("changes of HDFS a batch", (_changes(stack) - changes) / batches, "", "as the NameNode writes them down")
    outcome.measure("Spark's log of them", _spark_log(stack) / 2**20, "MB", "packed; the history server keeps the last of it")
    before, after, at_rest = _compacted(stack)
    for when, lying in (("before compaction", before), ("after it", after), ("after the vacuum", at_rest)):
        outcome.measure(f"{when}: files of the day", lying.files_of_day, "")
        outcome.measure(f"{when}: objects of the NameNode", lying.objects, "", "files, blocks and folders of all tables")
        outcome.measure(f"{when}: time to list", lying.seconds, "s", "all tables: ./run files")
    outcome.goals += [
        Goal("files of the day, compact", at_rest.files_of_day, MOST_FILES, at_least=False),
        Goal("time to list before compaction, s", before.seconds, LISTED_WITHIN, at_least=False),
    ]
    return outcome


def _sent(stack: Stack, events: int) -> int:
    """One day's messages, all in Kafka; how many."""
    path = stack.state / "day.parquet"
    make_day(path, events)
    dataset = store.add(stack.settings, path, mapping_for(path, None))
    produce(stack.settings, dataset.name)
    return dataset.rows


def _streamed(stack: Stack) -> int:
    """All of it through the stream; in how many batches."""
    env = stack.base_env | spark_service.build_environment(stack) | {"CDP_STREAM_BATCH_MESSAGES": str(MESSAGES_A_BATCH)}
    argv = [sys.executable, "-m", "streaming", "--once"]
    done = subprocess.run(argv, env=env, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.count("stream: batch ")


def _changes(stack: Stack) -> int:
    return int(read_namenode_bean(stack.settings, "FSNamesystem")["LastWrittenTransactionId"])


def _spark_log(stack: Stack) -> int:
    """Bytes of all applications there were: the stream."""
    client = InsecureClient(stack.settings.hdfs_http, user=USER)
    return int(client.content(f"{stack.settings.hdfs_root}/_spark-events")["length"])


def _compacted(stack: Stack) -> tuple[Lying, Lying, Lying]:
    """Before compaction, after it, and when the files from before are gone too."""
    settings = stack.settings
    spark = session(settings, "bench stream-day", settings.spark_job_cores, quiet=True)
    try:
        before = _listed(stack)
        compact(spark, settings, LAST_DAY, datetime.now(UTC))
        after = _listed(stack)
        vacuum(spark, settings, EVENTS, 0)
        return before, after, _listed(stack)
    finally:
        spark.stop()


def _listed(stack: Stack) -> Lying:
    begun = time.monotonic()
    tables = holdings(stack.settings)
    return Lying(tables, time.monotonic() - begun)
