"""A small publication of known structure: 60 products in three categories, each seen together with the next two, and like the
third after it; the lower its number, the more popular a product is. The last five are new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from cdp.recommend.models import Als
from cdp.recommend.online import OnlineCustomer, Pointer
from cdp.recommend.parts import ALIKE, ALS, SEEN_TOGETHER, Part
from cdp.recommend.publications import Publication
from cdp_web.recommend.api.serving import Serving, ShopProduct, make_serving

PRODUCTS, NEW = 60, 5
CATEGORIES = ("bags", "shoes.sport", "shoes.town")
DAY = date(2026, 11, 29)


def name_product(number: int) -> str:
    return f"p{number}"


def make_pointer(name: str = "one") -> Pointer:
    return Pointer(name, str(DAY), "made", ALS, SEEN_TOGETHER)


def make_publication(name: str = "one", prefix: str = "p") -> Publication:
    """Product n is in category n % 3 and costs n + 1. ALS knows nothing but the category."""
    number = np.arange(PRODUCTS)
    category = number % len(CATEGORIES)
    popularity = (1000.0 - 10 * number).astype(np.float32)
    popularity[-NEW:] = 1
    together = np.stack([(number + 1) % PRODUCTS, (number + 2) % PRODUCTS], axis=1).astype(np.int32)
    alike = ((number + 3) % PRODUCTS).astype(np.int32)[:, None]
    neighbours = {
        SEEN_TOGETHER: (together, np.tile(np.array([2, 1], np.float32), (PRODUCTS, 1))),
        ALIKE: (alike, np.ones((PRODUCTS, 1), np.float32)),
    }
    als = Als(np.eye(len(CATEGORIES), dtype=np.float32)[category], 0.01, 1.0)
    product_ids = np.array([f"{prefix}{each}" for each in number])
    part = Part(DAY, product_ids, category, popularity, als, neighbours)
    none = np.full(PRODUCTS, "")
    price = (number + 1) * 100
    return Publication(name, part, np.array(CATEGORIES), none, price, np.zeros(PRODUCTS, np.int32), popularity, popularity)


def make_customer(
    for_you: Sequence[int] = (), products: Sequence[int] = (), bought: Sequence[int] = (), buy_again: Sequence[int] = ()
) -> OnlineCustomer:
    numbers = [np.array(each, np.int64) for each in (for_you, buy_again, products)]
    return OnlineCustomer(*numbers, np.ones(len(products), np.float32), np.array(bought, np.int64))


def make_small(shop: dict[str, ShopProduct] | None = None) -> Serving:
    return make_serving(make_pointer(), make_publication(), shop or {})
