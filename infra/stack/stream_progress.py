"""Whether a stream runs, its last batch by the ledger, and what Kafka has beyond it: for ./run status and the probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cdp.kafka import client_config
from cdp.postgres import connection_arguments
from cdp.programs import STREAM
from cdp.said import first_line
from cdp.settings import Settings
from cdp.warehouse import STREAM_BATCH

SECONDS = 3
_RUNS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = %s AND datname = current_database())"
_LAST = f"""
    SELECT topic, topic_id, batch, received, milliseconds, written_at, extract(epoch FROM now() - written_at)::int, offsets
    FROM {STREAM_BATCH.full_name} ORDER BY written_at DESC, batch DESC LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Progress:
    """Of the stream that wrote last."""

    topic: str
    batch: int
    received: int
    milliseconds: int
    written_at: datetime
    ago: int
    waiting: int  # offsets; the marks of transactions among them are no messages

    @property
    def rate(self) -> int:
        """Messages a second of the last batch."""
        return round(self.received * 1000 / max(self.milliseconds, 1))

    def __str__(self) -> str:
        took = f"{self.received:,} messages in {self.milliseconds / 1000:.1f} s, {self.rate:,} a second"
        return f"batch {self.batch}, {self.ago:,} s ago: {took}; {self.waiting:,} offsets of {self.topic} wait in Kafka"


@dataclass(frozen=True, slots=True)
class StreamState:
    """Whether one runs, and its progress: nothing where none ever wrote a batch. Or why it can't be known."""

    runs: bool = False
    progress: Progress | None = None
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
    """Never fails: a server that does not answer is told of."""
    import psycopg2
    from confluent_kafka import KafkaException

    try:
        runs, last = _last(settings)
        return StreamState(runs, _progress(settings, last) if last else None)
    except psycopg2.Error as error:
        return StreamState(unknown=f"its ledger can't be read: {first_line(error)}")
    except KafkaException as error:
        return StreamState(unknown=f"what waits in Kafka can't be known: {error.args[0].str()}")


def _progress(settings: Settings, last: tuple[Any, ...]) -> Progress:
    topic, topic_id, batch, received, milliseconds, written_at, ago, offsets = last
    now_id, held = _held(settings, topic)
    taken = {int(number): span["until"] for number, span in offsets.items()} if now_id == topic_id else {}
    return Progress(topic, batch, received, milliseconds, written_at, ago, waiting(taken, held))


def waiting(taken: Mapping[int, int], held: Mapping[int, tuple[int, int]]) -> int:
    """`held` has the first offset of each partition and the end; what was deleted waits no longer."""
    return sum(end - max(taken.get(number, 0), low) for number, (low, end) in held.items())


def _last(settings: Settings) -> tuple[bool, tuple[Any, ...] | None]:
    """Whether a stream runs, and the last batch of any."""
    import psycopg2

    connection = psycopg2.connect(**connection_arguments(settings, "cdp status", SECONDS))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(_RUNS, [STREAM])
            ((runs,),) = cursor.fetchall()
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [STREAM_BATCH.full_name])
            ((there,),) = cursor.fetchall()
            if there:
                cursor.execute(_LAST)
            return runs, cursor.fetchone() if there else None
    finally:
        connection.close()


def _held(settings: Settings, topic: str) -> tuple[str, dict[int, tuple[int, int]]]:
    """The topic's id, and where each partition begins and ends for a reader of committed messages."""
    from confluent_kafka import IsolationLevel, TopicCollection, TopicPartition
    from confluent_kafka.admin import AdminClient, OffsetSpec

    admin = AdminClient(client_config(settings))
    told = admin.describe_topics(TopicCollection([topic]), request_timeout=SECONDS)[topic].result(2 * SECONDS)
    places = [TopicPartition(topic, partition.id) for partition in told.partitions]
    committed = IsolationLevel.READ_COMMITTED

    def ask(which: Any) -> dict[int, int]:
        asked = admin.list_offsets(dict.fromkeys(places, which), isolation_level=committed, request_timeout=SECONDS)
        return {place.partition: answer.result(2 * SECONDS).offset for place, answer in asked.items()}

    low, end = ask(OffsetSpec.earliest()), ask(OffsetSpec.latest())  # type: ignore[no-untyped-call]
    return str(told.topic_id), {number: (low[number], end[number]) for number in low}
