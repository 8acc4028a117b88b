"""Writes a value to each store before a fault, and looks for it afterwards."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any

import redis
from confluent_kafka import Consumer, Producer, TopicPartition
from pymongo import MongoClient

from cdp.events.topics import PROBE
from cdp.kafka import client_config
from cdp.settings import Settings
from infra.stack.services.hdfs import USER
from infra.stack.services.postgres import connect_postgres

STORES = ("postgres", "mongo", "redis", "hdfs", "kafka")


@dataclass(frozen=True)
class Keepsake:
    """A value that was written to all five stores."""

    value: str
    kafka_offset: int


def write(settings: Settings) -> Keepsake:
    value = uuid.uuid4().hex
    with connect_postgres(settings, settings.postgres_database) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS keepsake (value text)")
        cursor.execute("INSERT INTO keepsake VALUES (%s)", [value])
    connect_mongo(settings)["keepsake"].insert_one({"_id": value})
    redis.Redis.from_url(settings.redis_url).set(f"keepsake:{value}", 1)
    _hdfs(settings, value, "PUT", "op=CREATE&overwrite=true", value.encode())
    return Keepsake(value, _produce(settings, value))


def check(settings: Settings, keepsake: Keepsake) -> dict[str, bool]:
    """Whether each store still has the value."""
    with connect_postgres(settings, settings.postgres_database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM keepsake WHERE value = %s", [keepsake.value])
        in_postgres = cursor.fetchone()[0] == 1
    return {
        "postgres": in_postgres,
        "mongo": connect_mongo(settings)["keepsake"].find_one({"_id": keepsake.value}) is not None,
        "redis": redis.Redis.from_url(settings.redis_url).get(f"keepsake:{keepsake.value}") == b"1",
        "hdfs": _hdfs(settings, keepsake.value, "GET", "op=OPEN") == keepsake.value.encode(),
        "kafka": _consume(settings, keepsake.kafka_offset) == keepsake.value.encode(),
    }


def connect_mongo(settings: Settings) -> Any:
    return MongoClient(settings.mongo_url, serverSelectionTimeoutMS=5000)[settings.mongo_database]


def _hdfs(settings: Settings, name: str, method: str, query: str, data: bytes | None = None) -> bytes:
    """WebHDFS redirects a writer to a DataNode; Python's client does not follow a redirect of a PUT."""
    url = f"{settings.hdfs_http}/webhdfs/v1/keepsake/{name}?{query}&user.name={USER}"
    if method == "PUT":
        url = json.loads(_request(url + "&noredirect=true", "PUT"))["Location"]
    return _request(url, method, data)


def _request(url: str, method: str, data: bytes | None = None) -> bytes:
    """Retries while a DataNode still uses its connection to a NameNode that was killed; each DataNode has its own."""
    for _ in range(4):
        try:
            return _request_once(url, method, data)
        except AssertionError as error:
            if "EOFException" not in str(error) and "ConnectException" not in str(error):
                raise
    return _request_once(url, method, data)


def _request_once(url: str, method: str, data: bytes | None = None) -> bytes:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, data=data), timeout=30) as reply:
            content: bytes = reply.read()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {url}: {error.code} {error.read().decode()}") from error
    return content


def _produce(settings: Settings, value: str) -> int:
    offsets: list[int] = []
    producer = Producer(client_config(settings) | {"acks": "all"})
    producer.produce(PROBE.name, value, on_delivery=lambda _, message: offsets.append(message.offset()))
    assert producer.flush(10) == 0
    return offsets[0]


def _consume(settings: Settings, offset: int) -> bytes | None:
    consumer = Consumer(client_config(settings) | {"group.id": "keepsake", "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(PROBE.name, 0, offset)])
        message = consumer.poll(10)
        return message.value() if message else None
    finally:
        consumer.close()
