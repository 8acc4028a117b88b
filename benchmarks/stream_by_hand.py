"""A hand-written consumer: confluent-kafka, orjson, checks in Python, parquet by pyarrow on the local disk.

Two processes share the partitions. They make the contract's checks for a generated history, which has no amounts and no currency,
and store refused messages too. Unlike the stream, they need not survive a crash, write exactly once, or use Delta and HDFS.
"""

from __future__ import annotations

import multiprocessing
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import Consumer, KafkaError, TopicPartition

from cdp.events import EVENT_TYPES, EVENTS_RAW, FIELDS
from cdp.events.fields import EARLIEST_DAY, MAX_AHEAD_HOURS, MAX_QUANTITY, MAX_REVENUE, MAX_TEXT, MONEY_TYPES
from cdp.kafka import client_config
from cdp.settings import current

PROCESSES = 2
ROWS_A_FILE = 200_000
EARLIEST = datetime.fromisoformat(EARLIEST_DAY).replace(tzinfo=UTC)
TIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,9})? ?(UTC|Z|[+-]\d{2}(:?\d{2})?)")
NUMBER = re.compile(r"\+?(\d{1,30}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?")
WHOLE = re.compile(r"\+?\d{1,9}(\.0*)?")
CENT, MOST = Decimal("0.01"), Decimal("10000000000")
TEXTS = tuple(field.name for field in FIELDS if field.kind == "text")
REQUIRED = tuple(field.name for field in FIELDS if field.required)


class InvalidMessage(Exception):
    """A message that is not an event; the text is the reason."""


def parse_event(value: bytes, latest: datetime) -> dict[str, Any]:
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise InvalidMessage("not_json") from None
    if not isinstance(event, dict):
        raise InvalidMessage("not_json")
    event = {name: text.strip() or None if isinstance(text, str) else text for name, text in event.items()}
    for name in REQUIRED:
        if event.get(name) is None:
            raise InvalidMessage("missing")
    return _parse_values(event, latest)


def _parse_values(event: dict[str, Any], latest: datetime) -> dict[str, Any]:
    time_text, price, quantity = str(event["event_time"]), str(event["price"]), str(event.get("quantity") or 1)
    if not TIME.fullmatch(time_text):
        raise InvalidMessage("bad_time")
    try:
        moment = datetime.fromisoformat(time_text.replace(" UTC", "+00:00")).astimezone(UTC)
    except ValueError:
        raise InvalidMessage("bad_time") from None
    if not EARLIEST <= moment <= latest:
        raise InvalidMessage("bad_time")
    if event["event_type"] not in EVENT_TYPES:
        raise InvalidMessage("bad_type")
    if not NUMBER.fullmatch(price) or (money := Decimal(price).quantize(CENT)) >= MOST:
        raise InvalidMessage("bad_price")
    if not WHOLE.fullmatch(quantity) or not 1 <= (units := int(float(quantity))) <= MAX_QUANTITY:
        raise InvalidMessage("bad_quantity")
    texts = {name: None if event.get(name) is None else str(event[name]) for name in TEXTS}
    if any(text is not None and len(text) > MAX_TEXT for text in texts.values()):
        raise InvalidMessage("too_long")
    if event["event_type"] in MONEY_TYPES and money * units > MAX_REVENUE:
        raise InvalidMessage("bad_quantity")
    texts["brand"] = texts["brand"] and texts["brand"].lower()
    return {**texts, "event_time": moment, "event_type": event["event_type"], "price": money, "quantity": units}


def consume(partitions: list[int], folder: Path) -> None:
    settings = current()
    config = {"group.id": "bench", "enable.auto.commit": False, "isolation.level": "read_committed", "enable.partition.eof": True}
    latest = datetime.now(UTC) + timedelta(hours=MAX_AHEAD_HOURS)
    good: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    files = 0
    with Consumer(client_config(settings) | config) as consumer:
        consumer.assign([TopicPartition(EVENTS_RAW.name, partition, 0) for partition in partitions])
        left = set(partitions)
        while left:
            for message in consumer.consume(10_000, timeout=1.0):
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
                pq.write_table(pa.Table.from_pylist(good), folder / f"good-{partitions[0]}-{files}.parquet", compression="zstd")
                good, files = [], files + 1
    if bad:
        pq.write_table(pa.Table.from_pylist(bad), folder / f"bad-{partitions[0]}.parquet")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    numbers = range(current().kafka_partitions)
    shares = [[number for number in numbers if number % PROCESSES == place] for place in range(PROCESSES)]
    workers = [multiprocessing.Process(target=consume, args=(share, folder)) for share in shares if share]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        sys.exit("a consumer failed")
    print(f"took {time.monotonic() - start:.2f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
