"""Visitors and recommendations: the shop asks the recommendation API for a list, the visitor sees it and sometimes clicks."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Self

import httpx

from cdp.errors import first_line
from source_server.shop.world import Product

#: Shares of the pages with a list, of the lists that are scrolled into view, and of products that are clicked: any, and one of a
#: category that the visitor likes or looks at.
SHOWN_SHARE, SEEN_SHARE, CLICK_SHARE, SUITED_CLICK_SHARE = 0.5, 0.8, 0.01, 0.05
LIST_LENGTH = 8
TIMEOUT_SECONDS = 1.0
#: The API is left alone for so long after it failed.
PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the shop, and who looks at it."""

    place: str  # home, product or cart
    customer_id: int
    product_id: int | None  # that the visitor looks at
    cart: Sequence[int]
    liked: Collection[int]  # categories


@dataclass(frozen=True, slots=True)
class ShownList:
    exposure_id: str
    products: Sequence[int]


class Recommender:
    """A client of the API. When the API is away, pages have no list."""

    def __init__(self, url: str, token: str, seed: int, report: Callable[[str], None], transport: Any = None) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, transport=transport)
        self._rng = Random(f"recommendations {seed}")
        self._report = report
        self._rests_until = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def offer(self, page: Page, products: dict[int, Product]) -> Product | None:
        """Show a list on some pages; returns the product that the visitor clicks."""
        if self._rng.random() >= SHOWN_SHARE or time.monotonic() < self._rests_until:
            return None
        try:
            return self._offer(page, products)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            self._rests_until = time.monotonic() + PAUSE_SECONDS
            self._report(f"the recommendation API does not answer: {first_line(error)}; the next try is in {PAUSE_SECONDS:.0f} s")
            return None

    def _offer(self, page: Page, products: dict[int, Product]) -> Product | None:
        shown = self._ask(page)
        if not shown.products or self._rng.random() >= SEEN_SHARE:
            return None
        self._send({"kind": "seen", "exposure_id": shown.exposure_id})
        clicked = self._choose([products[each] for each in shown.products if each in products], page.liked)
        if clicked:
            self._send({"kind": "click", "exposure_id": shown.exposure_id, "product_id": str(clicked.product_id)})
        return clicked

    def _choose(self, products: Sequence[Product], liked: Collection[int]) -> Product | None:
        for product in products:
            if self._rng.random() < (SUITED_CLICK_SHARE if product.category_id in liked else CLICK_SHARE):
                return product
        return None

    def _ask(self, page: Page) -> ShownList:
        common: dict[str, Any] = {"place": page.place, "count": LIST_LENGTH}
        if page.place == "cart":
            body = common | {"customer_id": str(page.customer_id), "products": [str(each) for each in page.cart]}
            answer = self._http.post("/v1/cart", json=body)
        elif page.place == "product":
            parameters = common | {"customer_id": str(page.customer_id)}
            answer = self._http.get(f"/v1/products/{page.product_id}/recommendations", params=parameters)
        else:
            answer = self._http.get(f"/v1/customers/{page.customer_id}/recommendations", params=common)
        content = answer.raise_for_status().json()
        return ShownList(content["exposure_id"], [int(item["product_id"]) for item in content["items"]])

    def _send(self, report: dict[str, str]) -> None:
        self._http.post("/v1/exposures", json={"reports": [report]}).raise_for_status()
