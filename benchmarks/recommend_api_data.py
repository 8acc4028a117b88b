"""A publication of made data, as large as that of a big shop: 200,000 customers and 50,000 products."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime

import numpy as np
import redis

from cdp.interests import InterestRow, write_interests
from cdp.recommend.models import Als
from cdp.recommend.online import LISTED, POINTER, REMEMBERED, OnlineCustomer, Pointer, encode_customer, name_customer
from cdp.recommend.parts import ALIKE, ALS, SEEN_TOGETHER, Part
from cdp.recommend.publications import Publication, write_publication
from cdp.settings import Settings

PRODUCTS, CUSTOMERS, VISITORS = 50_000, 200_000, 5_000
FACTORS, NEIGHBOURS, CATEGORIES = 64, 50, 300
#: Products that a visitor looks at.
VISIT = 10
BATCH = 500


def publish_made(settings: Settings, scale: float) -> tuple[int, int]:
    """Publish, and let some visitors look at products now. Returns how many customers and visitors there are."""
    rng = np.random.default_rng(26)
    customers, visitors = max(round(CUSTOMERS * scale), 100), max(round(VISITORS * scale), 100)
    publication = make_publication(rng)
    write_publication(settings, publication)
    with redis.Redis.from_url(settings.redis_url) as client:
        for first in range(0, customers, BATCH):
            with client.pipeline(transaction=False) as pipeline:
                for number in range(first, min(first + BATCH, customers)):
                    fields = encode_customer(make_customer(rng))
                    pipeline.hset(name_customer(publication.name, f"c{number}"), mapping=fields)  # type: ignore[arg-type]
                pipeline.execute()
        client.set(POINTER, Pointer(publication.name, str(publication.part.day), "made", ALS, SEEN_TOGETHER).to_json())
    write_visits(settings, rng, visitors)
    return customers, visitors


def write_visits(settings: Settings, rng: np.random.Generator, visitors: int) -> None:
    """What the stream "live" writes; called again, it is of this minute again."""
    now = datetime.now(UTC)
    minute = now.replace(second=0, microsecond=0)
    rows = [
        InterestRow(f"v{visitor}", minute, "product", f"{product:08d}", 1)
        for visitor in range(visitors)
        for product in rng.integers(0, PRODUCTS, VISIT).tolist()
    ]
    with redis.Redis.from_url(settings.redis_url, decode_responses=True) as client:
        write_interests(client, rows, now, settings.interest_minutes)


def make_publication(rng: np.random.Generator) -> Publication:
    popularity = (1e5 / np.arange(1, PRODUCTS + 1)).astype(np.float32)
    weights = np.sort(rng.random((PRODUCTS, NEIGHBOURS), np.float32))[:, ::-1]
    neighbours = {name: (_choose(rng, (PRODUCTS, NEIGHBOURS)), weights) for name in (SEEN_TOGETHER, ALIKE)}
    part = Part(
        date(2026, 11, 29),
        np.array([f"{product:08d}" for product in range(PRODUCTS)]),
        rng.integers(0, CATEGORIES, PRODUCTS).astype(np.int32),
        popularity,
        Als(rng.normal(size=(PRODUCTS, FACTORS)).astype(np.float32), 0.1, 1.0),
        neighbours,
    )
    codes = np.array([f"part{number % 12}.shelf{number}" for number in range(CATEGORIES)])
    none, price = np.zeros(PRODUCTS, np.int32), rng.integers(100, 100_000, PRODUCTS)
    return Publication(f"made-{os.getpid()}", part, codes, np.full(PRODUCTS, ""), price, none, popularity, popularity)


def make_customer(rng: np.random.Generator) -> OnlineCustomer:
    products = _choose(rng, LISTED + 2 * REMEMBERED + 5)
    for_you, buy_again, past, bought = np.split(products, [LISTED, LISTED + REMEMBERED, LISTED + 2 * REMEMBERED])
    return OnlineCustomer(for_you, buy_again, past, rng.random(REMEMBERED, np.float32), bought)


def _choose(rng: np.random.Generator, shape: int | tuple[int, ...]) -> np.ndarray:
    return rng.integers(0, PRODUCTS, shape).astype(np.int32)
