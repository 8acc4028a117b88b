"""Whether a stream runs, its last batch in the ledger, and how much waits in Kafka: for ./run status and the probe."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cdp.errors import first_line
from cdp.kafka import client_config
from cdp.ledger import count_waiting
from cdp.mart.daily import LAST_BATCHES, STREAM_BATCH, parse_next_offsets
from cdp.postgres import PROGRAM_RUNS, TABLE_EXISTS, connection_arguments
from cdp.programs import STREAM
from cdp.settings import Settings

SECONDS = 3
_LAST = f"""
    SELECT topic, topic_id, batch, received, milliseconds, written_at, extract(epoch FROM now() - written_at)::int, offsets
    FROM {LAST_BATCHES} ORDER BY written_at DESC LIMIT 1"""


@dataclass(frozen=True, slots=True)
class StreamProgress:
    """The last batch that a stream wrote, and what waits in Kafka after it."""

    topic: str
    batch: int
    received: int
    milliseconds: int
    written_at: datetime
    ago: int
    waiting: int  # offsets, including transaction markers, which are not messages

    @property
    def rate(self) -> int:
        """Messages per second in the last batch."""
        return round(self.received * 1000 / max(self.milliseconds, 1))

    def __str__(self) -> str:
        took = f"{self.received:,} messages in {self.milliseconds / 1000:.1f} s, {self.rate:,} a second"
        return f"batch {self.batch}, {self.ago:,} s ago: {took}; {self.waiting:,} offsets of {self.topic} wait in Kafka"


@dataclass(frozen=True, slots=True)
class StreamState:
    """Whether a stream runs, and its progress, which is None before the first batch; or why neither can be read."""

    runs: bool = False
    progress: StreamProgress | None = None
    unknown: str = ""

    def as_json(self) -> dict[str, Any]:
        progress = self.progress and asdict(self.progress) | {
            "written_at": self.progress.written_at.isoformat(),
            "rate": self.progress.rate,
        }
        return {"runs": self.runs, "progress": progress, "unknown": self.unknown}

    def __str__(self) -> str:
        if self.unknown:
            return self.unknown
        return f"{'running' if self.runs else 'not running'}; {self.progress or 'no batch yet'}"


def stream_state(settings: Settings) -> StreamState:
    """Never raises: a server that does not answer is named in `unknown`."""
    import psycopg2
    from confluent_kafka import KafkaException

    try:
        runs, last = _read_last_batch(settings)
        return StreamState(runs, _read_progress(settings, last) if last else None)
    except psycopg2.Error as error:
        return StreamState(unknown=f"its ledger can't be read: {first_line(error)}")
    except KafkaException as error:
        return StreamState(unknown=f"Kafka's offsets can't be read: {error.args[0].str()}")


def _read_progress(settings: Settings, last: tuple[Any, ...]) -> StreamProgress:
    topic, topic_id, batch, received, milliseconds, written_at, ago, offsets = last
    current_id, retained = _read_offsets(settings, topic)
    next_offsets = parse_next_offsets(offsets) if current_id == topic_id else {}
    waiting = sum(count_waiting(next_offsets, retained).values())
    return StreamProgress(topic, batch, received, milliseconds, written_at, ago, waiting)


def _read_last_batch(settings: Settings) -> tuple[bool, tuple[Any, ...] | None]:
    """Whether a stream runs, and the last batch that any stream wrote."""
    import psycopg2

    connection = psycopg2.connect(**connection_arguments(settings, "cdp status", SECONDS))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(PROGRAM_RUNS, [STREAM])
            ((runs,),) = cursor.fetchall()
            cursor.execute(TABLE_EXISTS, [STREAM_BATCH.full_name])
            ((table_exists,),) = cursor.fetchall()
            if table_exists:
                cursor.execute(_LAST)
            return runs, cursor.fetchone() if table_exists else None
    finally:
        connection.close()


def _read_offsets(settings: Settings, topic: str) -> tuple[str, dict[int, tuple[int, int]]]:
    """The topic's id, and the first offset and the end of each partition for a reader of committed messages."""
    from confluent_kafka import IsolationLevel, TopicCollection, TopicPartition
    from confluent_kafka.admin import AdminClient, OffsetSpec

    admin = AdminClient(client_config(settings))
    description = admin.describe_topics(TopicCollection([topic]), request_timeout=SECONDS)[topic].result(2 * SECONDS)
    partitions = [TopicPartition(topic, partition.id) for partition in description.partitions]
    committed = IsolationLevel.READ_COMMITTED

    def list_offsets(spec: Any) -> dict[int, int]:
        futures = admin.list_offsets(dict.fromkeys(partitions, spec), isolation_level=committed, request_timeout=SECONDS)
        return {partition.partition: future.result(2 * SECONDS).offset for partition, future in futures.items()}

    first, end = list_offsets(OffsetSpec.earliest()), list_offsets(OffsetSpec.latest())  # type: ignore[no-untyped-call]
    return str(description.topic_id), {number: (first[number], end[number]) for number in first}
