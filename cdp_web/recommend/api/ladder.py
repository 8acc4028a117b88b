"""Which rungs a list has, from what this customer does now down to what is popular in the shop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cdp.recommend.histories import ONE_VIEW, Flags, Histories
from cdp.recommend.online import OnlineCustomer
from cdp.recommend.parts import ALIKE, POPULAR, POPULAR_IN_CATEGORY
from cdp_web.recommend.api.rungs import Listed, Pick, Rung, Scored, climb
from cdp_web.recommend.api.serving import Serving

FOR_YOU, BUY_AGAIN, GOES_WITH, SIMILAR = "for-you", "buy-again", "goes-with", "similar"
CUSTOMER_LISTS, PRODUCT_LISTS = (FOR_YOU, BUY_AGAIN), (GOES_WITH, SIMILAR)
#: Names of the rungs that are not models.
SESSION, STORED, COMPUTED, OWN_PAST = "session", "stored", "computed", "own-past"
#: One place in so many is for a new product.
NEW_EVERY = 10


@dataclass(frozen=True, slots=True)
class Filters:
    """What the caller wants to see; prices in hundredths."""

    category: str = ""
    min_price: int | None = None
    max_price: int | None = None
    exclude: Sequence[str] = ()

    def apply(self, serving: Serving) -> Flags:
        allowed = serving.is_sold.copy()
        if self.category:
            allowed &= serving.in_category(self.category)
        if self.min_price is not None:
            allowed &= serving.price >= self.min_price
        if self.max_price is not None:
            allowed &= serving.price <= self.max_price
        allowed[serving.find_numbers(self.exclude)] = False
        return allowed


@dataclass(frozen=True, slots=True)
class Visitor:
    """What is known of a person: products as numbers, the latest first."""

    session: Sequence[int] = ()
    strengths: Sequence[float] = ()  # of each product of the session; empty: all alike
    stored: OnlineCustomer | None = None
    bought: Sequence[int] = ()  # since the publication
    cart: Sequence[int] = ()

    @property
    def past(self) -> list[int]:
        """The cart, the session, then what the publication knows, each product once."""
        stored = self.stored.products.tolist() if self.stored else []
        return list(dict.fromkeys([*self.cart, *self.session, *stored]))

    @property
    def all_bought(self) -> list[int]:
        return [*self.bought, *(self.stored.bought.tolist() if self.stored else [])]


def list_for_you(serving: Serving, visitor: Visitor, filters: Filters, count: int, new_places: Sequence[int]) -> list[Pick]:
    allowed = filters.apply(serving)
    allowed[[*visitor.cart, *visitor.session, *visitor.all_bought]] = False
    picks = climb(_climb_for_you(serving, visitor, filters), allowed, count)
    return _add_new(serving, visitor, allowed, picks, new_places)


def _climb_for_you(serving: Serving, visitor: Visitor, filters: Filters) -> Iterator[Rung]:
    together = serving.models.get(serving.pointer.goes_with)
    if visitor.session and together:
        yield Scored(SESSION, together, _make_session(visitor))
    if visitor.stored:
        yield Listed(STORED, visitor.stored.for_you)
    model = serving.models.get(serving.pointer.for_you)
    if visitor.past and model:
        yield Scored(COMPUTED, model, _make_past(visitor))
    yield list_popular(serving, filters)


def list_of_model(serving: Serving, visitor: Visitor, filters: Filters, count: int, name: str) -> list[Pick]:
    """The list of an experiment's arm: one model, then what is popular."""
    allowed = filters.apply(serving)
    allowed[[*visitor.cart, *visitor.session, *visitor.all_bought]] = False
    model = serving.models.get(name)
    first = [Scored(name, model, _make_past(visitor))] if model and visitor.past and name != POPULAR else []
    return climb([*first, list_popular(serving, filters)], allowed, count)


def list_buy_again(serving: Serving, visitor: Visitor, filters: Filters, count: int) -> list[Pick]:
    """The customer's own past, and nothing else."""
    allowed = filters.apply(serving)
    allowed[list(visitor.cart)] = False
    return climb([Listed(OWN_PAST, visitor.stored.buy_again)] if visitor.stored else [], allowed, count)


def list_beside(serving: Serving, visitor: Visitor, filters: Filters, count: int, model_name: str) -> list[Pick]:
    """Products beside those of the session or the cart."""
    allowed = filters.apply(serving)
    beside = visitor.cart or visitor.session
    allowed[[*beside, *visitor.all_bought]] = False
    history = make_history(beside)
    models = [(name, serving.models.get(name)) for name in dict.fromkeys((model_name, ALIKE, POPULAR_IN_CATEGORY))]
    rungs = [Scored(name, model, history) for name, model in models if model and beside]
    return climb([*rungs, list_popular(serving, filters)], allowed, count)


def list_popular(serving: Serving, filters: Filters) -> Listed:
    return Listed(POPULAR_IN_CATEGORY if filters.category else POPULAR, serving.popular)


def make_history(products: Sequence[int], strengths: Sequence[float] = ()) -> Histories:
    values = np.array(strengths, np.float32) if strengths else np.full(len(products), ONE_VIEW, np.float32)
    return Histories(np.array([0, len(products)]), np.array(products, np.int64), values)


def _make_session(visitor: Visitor) -> Histories:
    return make_history(visitor.session, visitor.strengths)


def _make_past(visitor: Visitor) -> Histories:
    """A product of both the session and the publication has the greater strength of the two."""
    known: dict[int, float] = {}
    if visitor.stored:
        known = dict(zip(visitor.stored.products.tolist(), visitor.stored.strengths.tolist(), strict=True))
    for product, strength in zip(visitor.session, visitor.strengths, strict=False):
        known[product] = max(strength, known.get(product, 0))
    past = visitor.past
    return make_history(past, [known.get(product, ONE_VIEW) for product in past])


def _add_new(serving: Serving, visitor: Visitor, allowed: Flags, picks: list[Pick], places: Sequence[int]) -> list[Pick]:
    """Put new products that are like what the person likes on these places."""
    alike = serving.models.get(ALIKE)
    places = [place for place in places if place < len(picks)]
    if not places or not alike or not visitor.past:
        return picks
    free = allowed & serving.is_new
    free[[pick.number for pick in picks]] = False
    chosen = Scored(ALIKE, alike, _make_past(visitor)).choose(free, len(places))
    for place, number in zip(places, chosen.tolist(), strict=False):
        picks[place] = Pick(number, ALIKE, is_new=True)
    return picks


def choose_new_places(count: int, chance: float) -> list[int]:
    """Every tenth place; a shorter list gives its last place so often that it is one in ten as well. `chance` is from 0 to 1."""
    if count < NEW_EVERY:
        return [count - 1] if chance < count / NEW_EVERY else []
    return list(range(NEW_EVERY - 1, count, NEW_EVERY))
