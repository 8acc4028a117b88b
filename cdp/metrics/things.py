"""Products, categories and brands of a customer: how many, the favourites, and how far products get towards an order.

An expression aggregates a customer's rows, one for each product, category and brand: `thing` is one of these three words,
`name` is its name, and `views`, `carts`, `items` and `money` (spent less refunded) are its totals.
"""

from __future__ import annotations

from typing import Literal

from cdp.metrics.groups import RATES, THINGS
from cdp.metrics.metric import Metric, ratio

Thing = Literal["product", "category", "brand"]
Measure = Literal["views", "money"]

_MEASURE_PHRASES: dict[Measure, str] = {"views": "most product views", "money": "most net revenue"}
_TIE_PHRASES: dict[Measure, str] = {"views": "more net revenue", "money": "more product views"}
_TIE_BREAKERS: dict[Measure, Measure] = {"views": "money", "money": "views"}


def _count_things(key: str, title: str, about: str, thing: Thing, measure: str) -> Metric:
    return Metric(key, "integer", THINGS, title, about, "things", f"count_if(thing = '{thing}' AND {measure} > 0)")


def _find_favourite(thing: Thing, by: Measure) -> Metric:
    """The name with the most of the measure. A tie goes to more of the other measure, then to the first name by code point."""
    order = f"struct(-{by}, -{_TIE_BREAKERS[by]}, name)"
    return Metric(
        f"favourite_{thing}_by_{by}", "text", THINGS, f"Favourite {thing} by {by}",
        f"The {thing} with the {_MEASURE_PHRASES[by]}; on a tie the one with {_TIE_PHRASES[by]}, then the first in the alphabet.",
        "things", f"min_by(name, CASE WHEN thing = '{thing}' AND {by} > 0 THEN {order} END)",
    )  # fmt: skip


def _divide_products(measure: str, of: str) -> str:
    return ratio(f"count_if(thing = 'product' AND {of} > 0 AND {measure} > 0)", f"count_if(thing = 'product' AND {of} > 0)")


THING_METRICS: tuple[Metric, ...] = (
    _count_things("products_viewed", "Products viewed", "Different products looked at.", "product", "views"),
    _count_things("products_carted", "Products put into the cart", "Different products put into the cart.", "product", "carts"),
    _count_things("products_bought", "Products bought", "Different products bought.", "product", "items"),
    _count_things("categories_viewed", "Categories viewed", "Different categories looked at.", "category", "views"),
    _count_things("categories_bought", "Categories bought", "Different categories bought from.", "category", "items"),
    _count_things("brands_viewed", "Brands viewed", "Different brands looked at.", "brand", "views"),
    _count_things("brands_bought", "Brands bought", "Different brands bought.", "brand", "items"),
    _find_favourite("category", "views"),
    _find_favourite("category", "money"),
    _find_favourite("brand", "views"),
    _find_favourite("brand", "money"),
)

THING_RATE_METRICS: tuple[Metric, ...] = (
    Metric(
        "view_to_cart_rate", "number", RATES, "View to cart",
        "Of the different products looked at, the share that was put into the cart as well.",
        "things", _divide_products("carts", of="views"), "share",
    ),
    Metric(
        "cart_to_order_rate", "number", RATES, "Cart to order",
        "Of the different products put into the cart, the share that was bought as well.",
        "things", _divide_products("items", of="carts"), "share",
    ),
)  # fmt: skip
