"""Writes a generated history into the table of events without Kafka and the ledger: its messages, in the form that Kafka gives
them, go through the stream's own parser and writer, one batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp.events import EVENTS_RAW
from cdp.lake.tables import STREAM_TABLES
from cdp.spark import session
from infra.stack.stack import Stack
from source_server.history.customers import SIZE_DAYS
from source_server.history.rhythm import Part
from source_server.history.shop import Shop
from source_server.intake import mapping_for, store
from streaming.events.sink import write_tables
from streaming.messages import Counts
from streaming.tables import ensure_tables


@dataclass(frozen=True)
class SteadyShop(Shop):
    """The generated shop without weekdays, sale and growth: each day has the same number of visits. New customers keep coming."""

    def parts(self, first: date, last: date) -> list[Part]:
        visits = round(self.events / self.length / SIZE_DAYS)
        return [_with_visits(part, visits) for part in super().parts(first, last)]


def _with_visits(part: Part, visits_of_day: int) -> Part:
    return replace(part, visits=visits_of_day * (part.number + 1) // part.parts - visits_of_day * part.number // part.parts)


def receive_history(stack: Stack, history: Path, last: date) -> Counts:
    """Append the messages that arrived up to `last` to the tables as the stream would; returns the counts of the messages."""
    settings = stack.settings
    dataset = store.add(settings, history, mapping_for(None))
    lines, counts = store.path_of(settings, dataset.name), Counts()
    spark = session(settings, "bench events", settings.spark_stream_cores, quiet=True)
    try:
        ensure_tables(settings, STREAM_TABLES)
        for number, batch in enumerate(read_batches(lines, history.with_suffix(".batch"), settings.stream_batch_messages)):
            messages = read_messages(spark, batch, received=datetime.combine(last + timedelta(days=1), time(), UTC))
            counts += write_tables(settings, messages, f"bench {history.stem}", number).counts
    finally:
        spark.stop()
    lines.unlink()
    return counts


def read_batches(lines: Path, part: Path, most: int) -> Iterator[Path]:
    """Write the data set's lines into the file `part`, at most about this many at a time, with their position as the offset. Each
    batch overwrites the one before."""
    offset = 0
    with pq.ParquetFile(lines) as file:
        step = max(1, most // store.ROW_GROUP_ROWS)
        for first in range(0, file.num_row_groups, step):
            table = file.read_row_groups(range(first, min(first + step, file.num_row_groups)), ["line"])
            numbered = table.append_column("offset", pa.array(range(offset, offset + len(table)), pa.int64()))
            # Small row groups, so two tasks can share a batch.
            pq.write_table(numbered, part, row_group_size=max(1, len(table) // 8))
            yield part
            offset += len(table)
    part.unlink(missing_ok=True)


def read_messages(spark: SparkSession, batch: Path, received: datetime) -> DataFrame:
    """The lines in the columns of Spark's Kafka source. A message is a line without its line end."""
    return spark.read.parquet(f"file:{batch}").select(
        F.substring("line", F.lit(1), F.octet_length("line") - 1).alias("value"),
        F.lit(EVENTS_RAW.name).alias("topic"),
        F.lit(0).alias("partition"),
        "offset",
        F.lit(received.isoformat()).cast("timestamp").alias("timestamp"),
    )
