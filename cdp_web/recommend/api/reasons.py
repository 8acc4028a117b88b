"""Why a product is in a list, as a code for programs and a sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cdp.recommend.histories import Ints
from cdp.recommend.models import Model, Neighbours
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

#: What it means that one of these models chose the product.
TEXT_OF_MODEL = {SEEN_TOGETHER: "seen-together", ALIKE: "similar"}


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    product_id: str | None  # that the sentence names
    text: str


def explain(serving: Serving, visitor: Visitor, picks: Sequence[Pick]) -> list[Reason]:
    causes = _Causes(serving, visitor, picks)
    return [_explain(serving, visitor, pick, causes) for pick in picks]


def _explain(serving: Serving, visitor: Visitor, pick: Pick, causes: _Causes) -> Reason:
    if pick.source == POPULAR:
        return _write(serving, pick, "popular")
    if pick.source == OWN_PAST:
        return _write(serving, pick, "bought" if pick.number in visitor.all_bought else "seen-before")
    if pick.is_new:
        return _write(serving, pick, "new", causes.find_neighbour(pick.number, ALIKE))
    if pick.source in TEXT_OF_MODEL:
        return _write(serving, pick, TEXT_OF_MODEL[pick.source], causes.find_neighbour(pick.number, pick.source))
    if pick.source == POPULAR_IN_CATEGORY:
        return _write(serving, pick, "popular-in-category")
    return _write(serving, pick, "looked-at", causes.find(pick.number))


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


class _Causes:
    """Which products of a person's past led to those of a list. A sentence can't name a product that the shop has removed.
    Without the shop's database, no product has a name."""

    def __init__(self, serving: Serving, visitor: Visitor, picks: Sequence[Pick]) -> None:
        self.models = serving.models
        self.category = serving.publication.part.category
        # The products beside which the list is shown, then the whole past.
        pasts = (list(visitor.cart or visitor.session), visitor.past)
        named = [[each for each in past if serving.names[each] or not serving.has_names] for past in pasts]
        self.pasts = [past[:MOST_CAUSES] for past in named]
        self.numbers = np.array([pick.number for pick in picks if pick.source not in (POPULAR, OWN_PAST)], np.int64)
        self.near: dict[str, list[dict[int, int]]] = {}

    def find(self, number: int) -> int | None:
        """A product whose neighbour this one is, else the latest of the same category."""
        for name in TEXT_OF_MODEL:
            if (cause := self.find_neighbour(number, name)) is not None:
                return cause
        return next((each for each in self.pasts[-1] if self.category[each] == self.category[number]), None)

    def find_neighbour(self, number: int, name: str) -> int | None:
        if name not in self.near:
            self.near[name] = [_find_near(self.models.get(name), self.numbers, past) for past in self.pasts]
        return next((near[number] for near in self.near[name] if number in near), None)


def _find_near(model: Model | None, numbers: Ints, past: Sequence[int]) -> dict[int, int]:
    """For each of these products that is a neighbour of one in the past: the one whose nearest neighbour it is."""
    if not isinstance(model, Neighbours) or not past or not len(numbers):
        return {}
    matches = model.neighbours[past][None] == numbers[:, None, None]
    places, rows, columns = np.nonzero(matches)
    nearest: dict[int, tuple[float, int]] = {}
    for place, row, weight in zip(places.tolist(), rows.tolist(), model.weights[past][rows, columns].tolist(), strict=True):
        number = int(numbers[place])
        if weight > nearest.get(number, (0.0, 0))[0]:
            nearest[number] = weight, past[row]
    return {number: cause for number, (_, cause) in nearest.items()}
