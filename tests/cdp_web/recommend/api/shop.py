"""A small published shop: six phones and four lamps, with models whose answers can be foreseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import redis

from cdp.recommend.models import Als
from cdp.recommend.online import POINTER, OnlineCustomer, Pointer, encode_customer, name_customer
from cdp.recommend.parts import ALIKE, ALS, SEEN_TOGETHER, Part
from cdp.recommend.publications import Publication, write_pointer, write_publication
from cdp.settings import Settings

PHONES, LAMPS = ("p0", "p1", "p2", "p3", "p4", "p5"), ("l0", "l1", "l2", "l3")
PRODUCTS = (*PHONES, *LAMPS)
#: The last phone and the last lamp are new.
POPULARITY = np.array([60, 50, 40, 30, 25, 1, 90, 80, 70, 0], np.float32)
PRICE = np.array([10_000, 20_000, 30_000, 40_000, 50_000, 60_050, 1_000, 2_000, 3_000, 4_000])


def number(product_id: str) -> int:
    return PRODUCTS.index(product_id)


def make_publication(name: str = "2026-11-29-00000001") -> Publication:
    """Seen together: p0 with l1 and l2, l0 with p3. Alike: each product with all others of its category."""
    category = np.array([1] * len(PHONES) + [0] * len(LAMPS), np.int32)
    together, weights = np.full((10, 3), -1, np.int32), np.zeros((10, 3), np.float32)
    together[0, :2], weights[0, :2] = [number("l1"), number("l2")], [2, 1]
    together[6, 0], weights[6, 0] = number("p3"), 1
    alike = np.full((10, 5), -1, np.int32)
    for product in range(10):
        others = [other for other in range(10) if other != product and category[other] == category[product]]
        alike[product, : len(others)] = others
    factors = (
        np.where(category[:, None] == [1, 0], 1.0, 0.05).astype(np.float32) * np.linspace(1, 0.7, 10, dtype=np.float32)[:, None]
    )
    part = Part(
        date(2026, 11, 29),
        np.array(PRODUCTS),
        category,
        POPULARITY,
        Als(factors, 0.1, 1.0),
        {SEEN_TOGETHER: (together, weights), ALIKE: (alike, np.where(alike >= 0, 1, 0).astype(np.float32))},
    )
    categories, none = np.array(["home.lamp", "electronics.phone"]), np.zeros(10, np.int32)
    return Publication(name, part, categories, np.array([""] * 10), PRICE, none, POPULARITY, POPULARITY)


def make_pointer(publication: Publication) -> Pointer:
    return Pointer(publication.name, "2026-11-29", "v1", ALS, SEEN_TOGETHER)


def make_customer(
    for_you: tuple[str, ...] = (),
    buy_again: tuple[str, ...] = (),
    products: tuple[str, ...] = (),
    bought: tuple[str, ...] = (),
    order: tuple[str, ...] = PRODUCTS,
) -> OnlineCustomer:
    """`order` is that of the publication's products."""
    lists = [np.array([order.index(each) for each in some], np.int32) for some in (for_you, buy_again, products, bought)]
    return OnlineCustomer(lists[0], lists[1], lists[2], np.full(len(products), 1, np.float32), lists[3])


def publish(settings: Settings, client: redis.Redis, publication: Publication, customers: dict[str, OnlineCustomer]) -> None:
    """As the night does: the folder, the customers, then the pointer."""
    write_publication(settings, publication)
    for customer_id, customer in customers.items():
        client.hset(name_customer(publication.name, customer_id), mapping=encode_customer(customer))  # type: ignore[arg-type]
    write_pointer(settings, make_pointer(publication))
    client.set(POINTER, make_pointer(publication).to_json())


def reverse(publication: Publication, name: str) -> Publication:
    """Another publication with the same products in the opposite order, so a number of one is another product in the other."""
    part = publication.part.align(publication.part.product_ids[::-1])
    arrays = {key: getattr(publication, key)[::-1] for key in ("brand", "price", "price_band", "popularity_7", "popularity_28")}
    return replace(publication, name=name, part=part, **arrays)
