"""Messages of the topic as rows of the Delta table and of the tables in Postgres."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from cdp.lake.tables import EXPOSURES_TABLE
from cdp.recommend.exposures import BadExposure, Exposure, parse_exposure

_TYPES = {
    "string": pa.string(), "int": pa.int32(), "bigint": pa.int64(), "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"),
    "array<string>": pa.list_(pa.string()),
}  # fmt: skip
SCHEMA = pa.schema([(name, _TYPES[kind]) for name, kind in EXPOSURES_TABLE.columns.items()])


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the topic. One that can't be used has a refusal instead of an exposure."""

    partition: int
    offset: int
    exposure: Exposure | None
    refusal: str = ""


def read_message(partition: int, offset: int, payload: bytes) -> Message:
    try:
        return Message(partition, offset, parse_exposure(payload))
    except BadExposure as error:
        return Message(partition, offset, None, f"partition {partition}, offset {offset}: {error}")


def find_ends(messages: Iterable[Message]) -> dict[int, int]:
    """By partition: the offset after its last message."""
    return {message.partition: message.offset + 1 for message in messages}


def make_lake_rows(topic: str, messages: Sequence[Message]) -> pa.Table:
    return pa.Table.from_pylist([_make_row(topic, each, each.exposure) for each in messages if each.exposure], SCHEMA)


def _make_row(topic: str, message: Message, exposure: Exposure) -> dict[str, Any]:
    origin = {"kafka_topic": topic, "kafka_partition": message.partition, "kafka_offset": message.offset}
    return asdict(exposure) | {"day": exposure.at.date()} | origin
