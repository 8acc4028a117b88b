"""Which products, categories and brands: how many, which one most, and how far products come on their way to the order.

An expression runs over the rows of a customer's things, one for each product, category and brand: `thing` says which of the
three it is, `name` names it, and `views`, `carts`, `items` and `money` (spent less refunded) say what was done with it.
"""

from __future__ import annotations

from typing import Literal

from cdp.metrics.groups import RATES, THINGS
from cdp.metrics.metric import Metric, ratio

Thing = Literal["product", "category", "brand"]
Measure = Literal["views", "money"]

_MEASURED: dict[Measure, str] = {"views": "most product views", "money": "most net revenue"}
_TIES: dict[Measure, str] = {"views": "more net revenue", "money": "more product views"}
_OTHER: dict[Measure, Measure] = {"views": "money", "money": "views"}


def _number_of(key: str, title: str, about: str, thing: Thing, done: str) -> Metric:
    return Metric(key, "integer", THINGS, title, about, "things", f"count_if(thing = '{thing}' AND {done} > 0)")


def _favourite(thing: Thing, by: Measure) -> Metric:
    """What has most of the measure. A tie goes to more of the other one, then to the first name by its letters' codes."""
    order = f"struct(-{by}, -{_OTHER[by]}, name)"
    return Metric(
        f"favourite_{thing}_by_{by}", "text", THINGS, f"Favourite {thing} by {by}",
        f"The {thing} with the {_MEASURED[by]}; on a tie the one with {_TIES[by]}, then the first by the alphabet.",
        "things", f"min_by(name, CASE WHEN thing = '{thing}' AND {by} > 0 THEN {order} END)",
    )  # fmt: skip


def _share_of_products(done: str, of: str) -> str:
    return ratio(f"count_if(thing = 'product' AND {of} > 0 AND {done} > 0)", f"count_if(thing = 'product' AND {of} > 0)")


THING_METRICS: tuple[Metric, ...] = (
    _number_of("products_viewed", "Products viewed", "Different products looked at.", "product", "views"),
    _number_of("products_carted", "Products put into the cart", "Different products put into the cart.", "product", "carts"),
    _number_of("products_bought", "Products bought", "Different products bought.", "product", "items"),
    _number_of("categories_viewed", "Categories viewed", "Different categories looked at.", "category", "views"),
    _number_of("categories_bought", "Categories bought", "Different categories bought from.", "category", "items"),
    _number_of("brands_viewed", "Brands viewed", "Different brands looked at.", "brand", "views"),
    _number_of("brands_bought", "Brands bought", "Different brands bought.", "brand", "items"),
    _favourite("category", "views"),
    _favourite("category", "money"),
    _favourite("brand", "views"),
    _favourite("brand", "money"),
)

THING_RATE_METRICS: tuple[Metric, ...] = (
    Metric(
        "view_to_cart_rate", "number", RATES, "View to cart",
        "Of the different products looked at, the share that was put into the cart as well.",
        "things", _share_of_products("carts", of="views"), "share",
    ),
    Metric(
        "cart_to_order_rate", "number", RATES, "Cart to order",
        "Of the different products put into the cart, the share that was bought as well.",
        "things", _share_of_products("items", of="carts"), "share",
    ),
)  # fmt: skip
