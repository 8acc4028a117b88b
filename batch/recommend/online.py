"""Writes a publication to Redis: the hashes of all customers, then the pointer."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

import redis

from batch.recommend.lists import CustomerLists
from cdp.errors import first_line
from cdp.recommend.histories import Texts
from cdp.recommend.online import KEPT_DAYS, POINTER, Pointer, encode_customer, name_customer, parse_pointer
from cdp.settings import Settings

SECONDS = 10
#: Commands that are sent together.
PIPELINE = 500
KEPT_SECONDS = KEPT_DAYS * 24 * 3600
#: Bytes that Redis takes for a customer besides the products: the key and the names of the fields. 230 were measured.
CUSTOMER_BYTES = 300
_KEY = re.compile(r"rec:(\d{4}-\d\d-\d\d-[0-9a-f]{8}):")
T = TypeVar("T")


class RedisProblem(RuntimeError):
    """Redis is away, or can't take the publication. The message says what to do."""


@contextmanager
def open_redis(settings: Settings) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(settings.redis_url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
    try:
        yield client
    except redis.RedisError as error:
        where = f"Redis at {settings.host}:{settings.redis_port}"
        raise RedisProblem(f"{where} can't be used: {first_line(error)}; see ./run status redis.") from error
    finally:
        client.close()


def read_pointer(client: redis.Redis) -> Pointer | None:
    text = client.get(POINTER)
    return parse_pointer(text) if text else None  # type: ignore[arg-type]


def write_customers(client: redis.Redis, publication: str, customer_ids: Texts, lists: CustomerLists) -> None:
    for some in _in_pipelines(zip(customer_ids.tolist(), lists, strict=True)):
        with client.pipeline(transaction=False) as pipeline:
            for customer_id, customer in some:
                key = name_customer(publication, customer_id)
                pipeline.hset(key, mapping=encode_customer(customer))  # type: ignore[arg-type]
                pipeline.expire(key, KEPT_SECONDS)
            pipeline.execute()


def renew_customers(client: redis.Redis, publication: str, customer_ids: Texts) -> int:
    """Keep the hashes for the full time again. Returns how many there are."""
    count = 0
    for some in _in_pipelines(customer_ids.tolist()):
        with client.pipeline(transaction=False) as pipeline:
            for customer_id in some:
                pipeline.expire(name_customer(publication, customer_id), KEPT_SECONDS)
            count += sum(pipeline.execute())
    return count


def remove_publications(client: redis.Redis, kept: Collection[str]) -> None:
    """Remove the hashes of all other publications, also of such as were never finished."""
    keys = client.scan_iter(match="rec:*:*", count=5000)
    others = (key for key in keys if (match := _KEY.match(key.decode())) and match[1] not in kept)
    for some in _in_pipelines(others):
        client.unlink(*some)


def require_memory(client: redis.Redis, lists: CustomerLists) -> None:
    """Redis is the broker too and evicts nothing, so a full one would stop the site's tasks."""
    info = client.info("memory")
    numbers = int((lists.for_you >= 0).sum()) + len(lists.buy_again.product) + 2 * len(lists.latest.product)
    needed = len(lists) * CUSTOMER_BYTES + 4 * (numbers + len(lists.bought.product))
    limit, used = int(info["maxmemory"]), int(info["used_memory"])  # type: ignore[index]
    if limit and used + needed > limit:
        megabytes = -(-(used + needed) // 2**20)
        raise RedisProblem(
            f"{len(lists):,} customers need {needed >> 20:,} MB in Redis, but only {max(0, limit - used) >> 20:,} MB of"
            f" {limit >> 20:,} are free; set CDP_REDIS_MAXMEMORY to {megabytes + 64}m or more, then ./run down and ./run up."
        )


def _in_pipelines(things: Iterable[T]) -> Iterator[tuple[T, ...]]:
    rest = iter(things)
    while some := tuple(islice(rest, PIPELINE)):
        yield some
