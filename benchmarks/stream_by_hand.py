"""A hand-written consumer: confluent-kafka, orjson, checks in Python, parquet by pyarrow on the local disk.

Two processes share the partitions. They make the contract's checks for a generated history, which has no amounts and no
currency, and store unknown fields and refused messages too. Unlike the stream, they need not survive a crash, write exactly once,
compute ids, or use Delta and HDFS.
"""

from __future__ import annotations

import json
import multiprocessing
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import Consumer, KafkaError, TopicPartition

from cdp.events import EVENT_TYPES, FIELD_NAMES, FIELDS
from cdp.events.fields import EARLIEST_DAY, MAX_AHEAD_HOURS, MAX_QUANTITY, MAX_REVENUE, MAX_TEXT, MONEY_TYPES
from cdp.kafka import client_config
from cdp.settings import current

PROCESSES = 2
ROWS_A_FILE = 200_000
MESSAGES_AT_A_TIME, QUEUED_MESSAGES, FETCH_BYTES = 10_000, 200_000, 8 << 20
EARLIEST = datetime.fromisoformat(EARLIEST_DAY).replace(tzinfo=UTC)
TIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,9})? ?(UTC|Z|[+-]\d{2}(:?\d{2})?)")
NUMBER = re.compile(r"\+?(\d{1,30}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?")
WHOLE = re.compile(r"\+?\d{1,9}(\.0*)?")
CONTROLS = re.compile(r"[\x00-\x20\x7f]+")
KNOWN = frozenset(FIELD_NAMES)
CENT, MOST = Decimal("0.01"), Decimal("10000000000")
TEXTS = frozenset(field.name for field in FIELDS if field.kind == "text")
REQUIRED = frozenset(field.name for field in FIELDS if field.required)
TYPES: dict[str, pa.DataType] = {"event_time": pa.timestamp("us", "UTC"), "price": pa.decimal128(12, 2), "quantity": pa.int32()}
SCHEMA = pa.schema([(name, TYPES.get(name, pa.string())) for name in (*FIELD_NAMES, "extra")])


class InvalidMessage(Exception):
    """A message that is not an event; the text is the reason."""


def parse_event(value: bytes, latest: datetime) -> dict[str, Any]:
    event: dict[str, Any] = _read_texts(value)
    if not event.keys() >= REQUIRED:
        raise InvalidMessage("missing")
    has_long = max(map(len, event.values())) > MAX_TEXT
    event["event_time"] = _read_time(event["event_time"], latest)
    if event["event_type"] not in EVENT_TYPES:
        raise InvalidMessage("bad_type")
    price, quantity = event["price"], event.get("quantity")
    if not NUMBER.fullmatch(price) or (money := Decimal(price).quantize(CENT, ROUND_HALF_UP)) >= MOST:
        raise InvalidMessage("bad_price")
    units = 1
    if quantity is not None and (not WHOLE.fullmatch(quantity) or not 1 <= (units := int(float(quantity))) <= MAX_QUANTITY):
        raise InvalidMessage("bad_quantity")
    event["price"], event["quantity"] = money, units
    if has_long and any(len(event[name]) > MAX_TEXT for name in event.keys() & TEXTS):
        raise InvalidMessage("too_long")
    if event["event_type"] in MONEY_TYPES and money * units > MAX_REVENUE:
        raise InvalidMessage("bad_quantity")
    if "brand" in event:
        event["brand"] = event["brand"].lower()
    return event


def _read_texts(value: bytes) -> dict[str, str]:
    """The texts of the fields that are not empty."""
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise InvalidMessage("not_json") from None
    if not isinstance(event, dict):
        raise InvalidMessage("not_json")
    if set(map(type, event.values())) == {str} and KNOWN.issuperset(event) and b"\\" not in value:
        return {name: text for name, text in zip(event, map(str.strip, event.values()), strict=True) if text}
    return _read_harder_texts(value, event)


def _read_harder_texts(value: bytes, event: dict[str, Any]) -> dict[str, str]:
    """The same for a message with nulls, numbers, escapes or unknown fields."""
    if float in map(type, event.values()):  # orjson reads a whole number of more than 64 bits as a float
        event = json.loads(value)
    texts = {}
    for name in event.keys() & KNOWN:
        text = event.pop(name)
        if text is not None and (text := CONTROLS.sub(" ", str(text)).strip()):
            texts[name] = text
    return {**texts, "extra": json.dumps(event)} if event else texts


def _read_time(text: str, latest: datetime) -> datetime:
    if not TIME.fullmatch(text):
        raise InvalidMessage("bad_time")
    try:
        moment = datetime.fromisoformat(text.replace(" UTC", "+00:00")).astimezone(UTC)
    except ValueError:
        raise InvalidMessage("bad_time") from None
    if not EARLIEST <= moment <= latest:
        raise InvalidMessage("bad_time")
    return moment


def consume(topic: str, partitions: list[int], folder: Path) -> None:
    settings = current()
    config = {"group.id": "bench", "enable.auto.commit": False, "isolation.level": "read_committed", "enable.partition.eof": True}
    config |= {"fetch.message.max.bytes": FETCH_BYTES, "queued.min.messages": QUEUED_MESSAGES}
    latest = datetime.now(UTC) + timedelta(hours=MAX_AHEAD_HOURS)
    good: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    files = 0
    with Consumer(client_config(settings) | config) as consumer:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        left = set(partitions)
        while left:
            for message in consumer.consume(MESSAGES_AT_A_TIME, timeout=0.05):
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        left.discard(message.partition() or 0)
                    continue
                value = message.value() or b""
                try:
                    good.append(parse_event(value, latest))
                except InvalidMessage as refusal:
                    bad.append({"reason": str(refusal), "payload": value, "offset": message.offset()})
            if len(good) >= ROWS_A_FILE or not left:
                name = f"good-{partitions[0]}-{files}.parquet"
                pq.write_table(pa.Table.from_pylist(good, SCHEMA), folder / name, compression="zstd")
                good, files = [], files + 1
    if bad:
        pq.write_table(pa.Table.from_pylist(bad), folder / f"bad-{partitions[0]}.parquet")


def main(topic: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    numbers = range(current().kafka_partitions)
    shares = [[number for number in numbers if number % PROCESSES == place] for place in range(PROCESSES)]
    workers = [multiprocessing.Process(target=consume, args=(topic, share, folder)) for share in shares if share]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        sys.exit("a consumer failed")
    print(f"took {time.monotonic() - start:.2f} s")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
