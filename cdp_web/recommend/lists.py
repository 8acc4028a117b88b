"""The panels with lists of products: what the shop shows a customer, and what it shows beside a product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from cdp_web.names.selectors import Names, names_get
from cdp_web.recommend.client import Answer, Item, RecommendationsUnavailable, list_get

SHOWN = 6
#: Why a product is listed, by the API's code; `product` is the other product.
REASONS: Mapping[str, Promise] = {
    "looked-at": gettext_lazy("Interest in %(product)s"),
    "seen-together": gettext_lazy("Often seen together with %(product)s"),
    "similar": gettext_lazy("Similar to %(product)s"),
    "new": gettext_lazy("New, and similar to %(product)s"),
    "bought": gettext_lazy("Bought before"),
    "seen-before": gettext_lazy("Looked at before"),
    "popular-in-category": gettext_lazy("Popular in %(category)s"),
    "popular": gettext_lazy("Popular now"),
}


@dataclass(frozen=True, slots=True)
class ListedProduct:
    item: Item
    reason: str


@dataclass(frozen=True, slots=True)
class ProductList:
    answer: Answer
    products: Sequence[ListedProduct]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lists with the names of their products, or the problem of the API."""

    lists: Sequence[ProductList] = ()
    names: Names = field(default_factory=Names)
    problem: str = ""


def customer_lists_read(customer_id: str) -> Panel:
    return _read("customers", customer_id, ("for-you", "buy-again"))


def neighbours_read(product_id: str) -> Panel:
    return _read("products", product_id, ("goes-with", "similar"))


def _read(kind: str, thing_id: str, list_names: Sequence[str]) -> Panel:
    """Without the API the panel names the problem, and the rest of the page works."""
    try:
        answers = [list_get(kind, thing_id, name, SHOWN) for name in list_names]
    except RecommendationsUnavailable as error:
        return Panel(problem=str(error))
    items = [item for answer in answers for item in answer.items]
    names = names_get(
        products=[each for item in items for each in (item.product_id, item.reason.product_id)],
        categories=[item.category for item in items],
    )
    return Panel([_build_list(answer, names) for answer in answers], names)


def _build_list(answer: Answer, names: Names) -> ProductList:
    return ProductList(answer, [ListedProduct(item, describe_reason(item, names)) for item in answer.items])


def describe_reason(item: Item, names: Names) -> str:
    words = REASONS.get(item.reason.code)
    if words is None:
        return item.reason.text
    return str(words) % {
        "product": names.name_product(item.reason.product_id),
        "category": names.name_category(item.category),
    }
