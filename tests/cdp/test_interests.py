"""Short-term interests in Redis: equal to a recomputation from the events of the window, whatever the batches."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis

from cdp.events.fields import EVENT_TYPES
from cdp.interests import (
    HALF_LIFE_MINUTES,
    LIVE_BOUGHT_DAYS,
    MOST_BOUGHT,
    MOST_FIELDS,
    STRENGTHS,
    InterestRow,
    name_bought,
    parse_bought,
    read_interests,
    write_bought,
    write_interests,
)
from infra.stack.stack import Stack

NOW = datetime(2026, 11, 30, 12, 0, 40, tzinfo=UTC)
MINUTES = 30
Event = tuple[str, datetime, str, str]  # customer, time, type, product


@pytest.fixture
def client(servers: Stack) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(servers.settings.redis_url, decode_responses=True) as client:
        yield client
        if names := [*client.keys("interests:t-*"), *client.keys("bought:t-*")]:
            client.delete(*names)


def sum_minutes(events: Iterable[Event]) -> list[InterestRow]:
    """What the stream writes: the sums of whole minutes."""
    sums: Counter[tuple[str, datetime, str]] = Counter()
    for customer, time, kind, product in events:
        sums[customer, time.replace(second=0), product] += STRENGTHS[kind]
    return [InterestRow(customer, minute, "product", product, strength) for (customer, minute, product), strength in sums.items()]


def recompute(events: Iterable[Event], customer: str, now: datetime) -> dict[str, float]:
    scores: Counter[str] = Counter()
    for each, time, kind, product in events:
        age = (now.replace(second=0) - time.replace(second=0)) // timedelta(minutes=1)
        if each == customer and age < MINUTES:
            scores[product] += STRENGTHS[kind] * 2 ** (-age / HALF_LIFE_MINUTES)  # type: ignore[assignment]
    return {product: score for product, score in scores.items() if score > 0}


def test_every_type_of_event_has_a_strength() -> None:
    assert set(STRENGTHS) == set(EVENT_TYPES)


@pytest.mark.stack("redis")
def test_equal_to_a_recomputation(client: redis.Redis) -> None:
    """Events come in batches, and each batch rewrites its minutes whole; the last batch comes twice."""
    rng = random.Random(25)
    start = NOW - timedelta(minutes=50)
    times = [start + timedelta(seconds=5 * number) for number in range(600)]
    events = [(f"t-{rng.randrange(4)}", time, rng.choice(EVENT_TYPES), f"p{rng.randrange(6)}|x") for time in times]
    for end in (100, 250, 400, 550, 600, 600):
        write_interests(client, sum_minutes(events[:end]), events[end - 1][1], MINUTES)
    for now in (NOW, NOW + timedelta(minutes=12)):
        for number in range(4):
            customer = f"t-{number}"
            interests = read_interests(client, customer, now, MINUTES)
            scores = [each.score for each in interests]
            assert {each.key: each.score for each in interests} == pytest.approx(recompute(events, customer, now))
            assert scores
            assert scores == sorted(scores, reverse=True)


@pytest.mark.stack("redis")
def test_old_minutes_do_not_count_and_the_hash_leaves_redis(client: redis.Redis) -> None:
    def view(product: str, age: int) -> InterestRow:
        return InterestRow("t-1", NOW.replace(second=0) - timedelta(minutes=age), "product", product, 1)

    write_interests(client, [view("old", 20)], NOW - timedelta(minutes=20), MINUTES)
    write_interests(client, [view("new", 0), view("too old", MINUTES)], NOW + timedelta(minutes=15), MINUTES)
    assert MINUTES * 60 - 5 <= client.ttl("interests:t-1") <= MINUTES * 60
    (interest,) = read_interests(client, "t-1", NOW + timedelta(minutes=15), MINUTES)
    assert (interest.kind, interest.key, interest.last_minute) == ("product", "new", NOW.replace(second=0))
    assert read_interests(client, "t-2", NOW, MINUTES) == []


@pytest.mark.stack("redis")
def test_a_robot_keeps_its_newest_interests_only(client: redis.Redis) -> None:
    minutes = [NOW.replace(second=0) - timedelta(minutes=age) for age in range(20)]
    for minute in (*reversed(minutes), minutes[0]):
        write_interests(client, [InterestRow("t-1", minute, "product", f"p{number}", 1) for number in range(500)], NOW, MINUTES)
        assert client.hlen("interests:t-1") <= MOST_FIELDS
    newest = [each for each in read_interests(client, "t-1", NOW, MINUTES) if each.last_minute == minutes[0]]
    assert len(newest) == 500


@pytest.mark.stack("redis")
def test_what_was_bought_stays_for_days_and_is_bounded(client: redis.Redis) -> None:
    write_bought(client, {"t-1": ["old"], "t-2": [f"p{number}" for number in range(MOST_BOUGHT + 1)]})
    write_bought(client, {"t-1": ["new", "old"]})
    first, second, none = (parse_bought(client.get(name_bought(f"t-{number}"))) for number in (1, 2, 3))  # type: ignore[arg-type]
    assert (first, len(second), second[0], none) == (["new", "old"], MOST_BOUGHT, "p0", [])
    assert LIVE_BOUGHT_DAYS * 86_400 - 5 <= client.ttl(name_bought("t-1")) <= LIVE_BOUGHT_DAYS * 86_400
