"""Why a product is in a list, as a code for programs and a sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cdp.recommend.models import Neighbours
from cdp.recommend.parts import ALIKE, POPULAR, POPULAR_IN_CATEGORY, SEEN_TOGETHER
from cdp_web.recommend.api.ladder import OWN_PAST, Visitor
from cdp_web.recommend.api.rungs import Pick
from cdp_web.recommend.api.serving import Serving

#: Products of the past that may be the reason; more are not worth the time.
MOST_CAUSES = 30
TEXTS = {
    "looked-at": "Because you looked at {product}",
    "seen-together": "Often seen together with {product}",
    "similar": "Similar to {product}",
    "new": "New, and similar to {product}",
    "bought": "You have bought it before",
    "seen-before": "You have looked at it before",
    "popular-in-category": "Popular in {category}",
    "popular": "Popular now",
}


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    product_id: str | None  # that the sentence names
    text: str


def explain(serving: Serving, visitor: Visitor, pick: Pick) -> Reason:
    beside, past = (_keep_named(serving, products) for products in (visitor.cart or visitor.session, visitor.past))
    if pick.source == POPULAR:
        return _write(serving, pick, "popular")
    if pick.source == OWN_PAST:
        return _write(serving, pick, "bought" if pick.number in visitor.all_bought else "seen-before")
    if pick.is_new:
        return _write(serving, pick, "new", _find_neighbour(serving, pick.number, past, (ALIKE,)))
    if pick.source in (SEEN_TOGETHER, ALIKE):
        cause = _find_neighbour(serving, pick.number, beside or past, (pick.source,))
        return _write(serving, pick, "seen-together" if pick.source == SEEN_TOGETHER else "similar", cause)
    if pick.source == POPULAR_IN_CATEGORY:
        return _write(serving, pick, "popular-in-category")
    return _write(serving, pick, "looked-at", _find_cause(serving, pick.number, past))


def _keep_named(serving: Serving, products: Sequence[int]) -> list[int]:
    """A sentence can't name a product that the shop has removed. Without the shop's database no product has a name."""
    return [each for each in products if serving.names[each]] if serving.has_names else list(products)


def _write(serving: Serving, pick: Pick, code: str, cause: int | None = None) -> Reason:
    """A sentence that would name a product needs one; without it the product is popular in its category."""
    if "{product}" in TEXTS[code] and cause is None:
        code = "popular-in-category"
    category = serving.name_category(pick.number)
    if code == "popular-in-category" and not category:
        code = "popular"
    name = serving.name_product(cause) if cause is not None else ""
    text = TEXTS[code].format(product=name, category=category)
    return Reason(code, serving.product_ids[cause] if cause is not None else None, text)


def _find_cause(serving: Serving, number: int, past: Sequence[int]) -> int | None:
    """The product of the past that led to this one: a neighbour of it, else the latest of the same category."""
    cause = _find_neighbour(serving, number, past, (SEEN_TOGETHER, ALIKE))
    if cause is not None:
        return cause
    category = serving.publication.part.category
    return next((each for each in past[:MOST_CAUSES] if category[each] == category[number]), None)


def _find_neighbour(serving: Serving, number: int, past: Sequence[int], models: Sequence[str]) -> int | None:
    """The product of the past of which this one is the nearest neighbour."""
    for name in models:
        model = serving.models.get(name)
        if isinstance(model, Neighbours) and past:
            products = np.array(past[:MOST_CAUSES])
            weights = np.where(model.neighbours[products] == number, model.weights[products], 0).max(axis=1)
            if weights.any():
                return int(products[weights.argmax()])
    return None
