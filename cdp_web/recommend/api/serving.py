"""What a request is answered from: one publication, and the shop's facts about its products. It never changes; a new publication
or new facts make a new one, so an answer is never mixed from two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

import numpy as np

from cdp.kinds import MONEY_SCALE
from cdp.recommend.histories import Flags, Ints
from cdp.recommend.models import Model
from cdp.recommend.online import Pointer
from cdp.recommend.parts import Part
from cdp.recommend.publications import Publication

#: A product with fewer weighted events in 28 days is new: some places of the lists are for such products.
FEW_EVENTS = 20


@dataclass(frozen=True, slots=True)
class ShopProduct:
    """A product as the shop's database has it."""

    name: str
    price: int  # in hundredths
    is_sold: bool  # active, in stock and with a price


@dataclass(frozen=True)
class Serving:
    """Arrays have a value for each product of the publication, and products are places in them."""

    pointer: Pointer
    publication: Publication
    numbers: Mapping[str, int]  # the place of each product id
    product_ids: tuple[str, ...]
    names: tuple[str, ...]  # empty: unknown
    categories: tuple[str, ...]  # the code of each category
    models: Mapping[str, Model]
    price: Ints  # in hundredths
    is_sold: Flags
    is_new: Flags
    popular: Ints  # products, the most popular of the week first

    @cached_property
    def has_names(self) -> bool:
        return any(self.names)

    def find_numbers(self, product_ids: Iterable[str]) -> list[int]:
        """Without those that the publication does not know."""
        return [self.numbers[product] for product in product_ids if product in self.numbers]

    def name_product(self, number: int) -> str:
        return self.names[number] or self.product_ids[number]

    def name_category(self, number: int) -> str:
        return self.categories[self.publication.part.category[number]]

    def format_price(self, number: int) -> str:
        return str(Decimal(int(self.price[number])).scaleb(-MONEY_SCALE))

    def in_category(self, code: str) -> Flags:
        """The products of the category and of those below it."""
        inside = [each == code or each.startswith(f"{code}.") for each in self.categories]
        flags: Flags = np.array([*inside, False], np.bool_)[self.publication.part.category]
        return flags


def make_serving(pointer: Pointer, publication: Publication, shop: Mapping[str, ShopProduct]) -> Serving:
    """If the shop's database has products, those that it lacks are not sold. Without it, everything with a price is."""
    product_ids = tuple(publication.part.product_ids.tolist())
    known = [shop.get(product) for product in product_ids]
    prices = [each.price if each else price for each, price in zip(known, publication.price.tolist(), strict=True)]
    is_sold = np.array([each is not None and each.is_sold for each in known], np.bool_) if shop else publication.price > 0
    return Serving(
        pointer=pointer,
        publication=publication,
        numbers={product: number for number, product in enumerate(product_ids)},
        product_ids=product_ids,
        names=tuple(each.name if each else "" for each in known),
        categories=(*publication.categories.tolist(), ""),
        models=publication.part.models,
        price=np.array(prices, np.int64),
        is_sold=is_sold,
        is_new=publication.popularity_28 < FEW_EVENTS,
        popular=np.lexsort((-publication.popularity_28, -publication.popularity_7)),
    )


def nothing_published() -> Serving:
    """Before the first publication: all lists are empty."""
    none = np.empty(0, np.int64)
    texts, floats = np.empty(0, "U1"), np.empty(0, np.float32)
    publication = Publication("", Part(date.min, texts, none, floats), texts, texts, none, none, floats, floats)
    return make_serving(Pointer("", "", "", "", ""), publication, {})
