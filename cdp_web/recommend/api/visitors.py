"""What Redis knows of a customer, read in one round trip. If Redis is away, the last answer for the customer counts."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from cdp.interests import name_bought, name_interests, parse_bought, parse_interests
from cdp.recommend.online import decode_customer, name_customer
from cdp.settings import Settings
from cdp_web.recommend.api.ladder import Visitor
from cdp_web.recommend.api.serving import Serving

#: An answer takes at most 50 ms, with or without Redis.
SECONDS = 0.03
#: A reply after the answer is still of use: it keeps the connection, and the customer is remembered.
LATE_SECONDS = 1.0
#: After so many failures in a row Redis is left alone for a moment; then one request tries again.
FAILURES, PAUSE_SECONDS = 3, 1.0
#: Customers that are remembered for the time when Redis is away.
REMEMBERED = 20_000


@dataclass(slots=True)
class Breaker:
    """Keeps requests from waiting for a server that does not answer."""

    failures: int = 0
    retry_at: float = 0.0

    def may_try(self) -> bool:
        if self.failures < FAILURES:
            return True
        now = time.monotonic()
        if now < self.retry_at:
            return False
        self.retry_at = now + PAUSE_SECONDS  # other requests don't wait for this try
        return True

    def note(self, is_good: bool) -> None:
        self.failures = 0 if is_good else self.failures + 1
        if self.failures == FAILURES:
            self.retry_at = time.monotonic() + PAUSE_SECONDS


class VisitorReader:
    def __init__(self, settings: Settings) -> None:
        self.minutes = settings.interest_minutes
        self.client: Redis = Redis.from_url(
            settings.redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=LATE_SECONDS, socket_connect_timeout=LATE_SECONDS
        )
        self.breaker = Breaker()
        self.pending: set[asyncio.Task[Visitor | None]] = set()
        self.last: OrderedDict[tuple[str, str], Visitor] = OrderedDict()

    async def warm_up(self) -> None:
        """Connect before the first request."""
        with suppress(RedisError, OSError):
            await self.client.ping()

    async def read(self, serving: Serving, customer_id: str) -> tuple[Visitor, bool]:
        """The customer, and whether this is what Redis says now. A reply that comes too late for the answer is remembered."""
        if self.breaker.may_try():
            task = asyncio.create_task(self._try(serving, customer_id))
            self.pending.add(task)
            task.add_done_callback(self.pending.discard)
            await asyncio.wait({task}, timeout=SECONDS)
            if not task.done():
                self.breaker.note(False)
            elif visitor := task.result():
                return visitor, True
        return self.last.get((serving.pointer.publication, customer_id), Visitor()), False

    async def _try(self, serving: Serving, customer_id: str) -> Visitor | None:
        try:
            visitor = await self._ask(serving, customer_id)
        except (RedisError, OSError, TimeoutError):
            self.breaker.note(False)
            return None
        self.breaker.note(True)
        self._remember((serving.pointer.publication, customer_id), visitor)
        return visitor

    async def _ask(self, serving: Serving, customer_id: str) -> Visitor:
        pipeline = self.client.pipeline(transaction=False)
        pipeline.hgetall(name_customer(serving.pointer.publication, customer_id))
        pipeline.hgetall(name_interests(customer_id))
        pipeline.get(name_bought(customer_id))
        stored, interests, bought = await pipeline.execute()
        products, strengths = _read_session(serving, interests, self.minutes)
        return Visitor(products, strengths, decode_customer(stored), serving.find_numbers(parse_bought(bought)))

    def _remember(self, key: tuple[str, str], visitor: Visitor) -> None:
        self.last[key] = visitor
        self.last.move_to_end(key)
        if len(self.last) > REMEMBERED:
            self.last.popitem(last=False)

    async def close(self) -> None:
        for task in self.pending:
            task.cancel()
        await self.client.aclose()


def _read_session(serving: Serving, fields: Mapping[bytes, bytes], minutes: int) -> tuple[list[int], list[float]]:
    """The products of the last minutes, the latest first, with strengths as in training."""
    texts: dict[str, Any] = {name.decode(): value.decode() for name, value in fields.items()}
    interests = [each for each in parse_interests(texts, datetime.now(UTC), minutes) if each.kind == "product"]
    interests.sort(key=lambda each: (each.last_minute, each.score), reverse=True)
    known = [(serving.numbers[each.key], math.log1p(each.score)) for each in interests if each.key in serving.numbers]
    return [number for number, _ in known], [strength for _, strength in known]
