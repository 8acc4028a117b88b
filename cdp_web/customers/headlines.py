"""The facts about one customer that are worth acting on, the most useful first. Pure: from metrics and what is in the cart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cdp_web.layout import formats

Tone = Literal["warn", "good", "plain"]
#: Two gaps between orders are the fewest that show a rhythm.
MIN_ORDER_DAYS = 3
#: A customer is late when the days since the last order exceed the usual gap this many times.
LATE = Decimal("1.5")
CART_DAYS = 30
#: After so many days without a visit, a first order counts as the only one.
SILENT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Headline:
    key: str
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class CartMove:
    """What a customer did with a product's place in the cart within one hour."""

    product_id: str
    day: date
    hour: int
    event_type: str  # cart, remove_from_cart or purchase
    events: int


@dataclass(frozen=True, slots=True)
class Cart:
    """The products that were put into the cart and neither taken out nor bought."""

    products: tuple[str, ...] = field(default=())
    last_day: date | None = None


def find_cart(moves: Iterable[CartMove], as_of: date) -> Cart:
    """A purchase empties the product's place, also within the same hour: the hour is the finest time that is stored."""
    by_product: dict[str, list[CartMove]] = {}
    for move in moves:
        if move.day > as_of - timedelta(days=CART_DAYS):
            by_product.setdefault(move.product_id, []).append(move)
    left = {product: moves for product, moves in by_product.items() if _count_left(moves) > 0}
    days = [move.day for moves in left.values() for move in moves if move.event_type == "cart"]
    return Cart(tuple(sorted(left)), max(days, default=None))


def _count_left(moves: list[CartMove]) -> int:
    bought_at = max(((move.day, move.hour) for move in moves if move.event_type == "purchase"), default=(date.min, 0))
    later = [move for move in moves if (move.day, move.hour) > bought_at]
    added = sum(move.events for move in later if move.event_type == "cart")
    return added - sum(move.events for move in later if move.event_type == "remove_from_cart")


def list_headlines(metrics: Mapping[str, Any], cart: Cart, as_of: date) -> list[Headline]:
    """The most useful first; never empty for a customer who was seen."""
    finders = (_find_cart, _find_rhythm, _find_refunds, _find_single_order, _find_looker, _find_last_order, _find_visits)
    return [headline for find in finders for headline in find(metrics, cart, as_of)]


def _find_cart(metrics: Mapping[str, Any], cart: Cart, as_of: date) -> Iterator[Headline]:
    if cart.last_day is None:
        return
    text = ngettext(
        "Has %(number)s product left in the cart, added %(when)s.",
        "Has %(number)s products left in the cart, last added %(when)s.",
        len(cart.products),
    )
    when = _describe_ago((as_of - cart.last_day).days, as_of)
    yield Headline("cart", text % {"number": formats.count(len(cart.products)), "when": when}, "warn")


def _find_rhythm(metrics: Mapping[str, Any], cart: Cart, as_of: date) -> Iterator[Headline]:
    """Only with orders on three days or more: one gap shows no habit."""
    since, order_days = metrics.get("days_since_order"), metrics.get("order_days") or 0
    first, last = metrics.get("first_order"), metrics.get("last_order")
    if order_days < MIN_ORDER_DAYS or since is None or first is None or last is None:
        return
    gap = Decimal((_to_day(last) - _to_day(first)).days) / (order_days - 1)
    values = {"gap": formats.days(round(gap, 1)), "since": formats.days(since), "when": _describe_ago(since, as_of)}
    if since > gap * LATE:
        yield Headline("late", _("Usually orders every %(gap)s; %(since)s since the last order.") % values, "warn")
    else:
        yield Headline("rhythm", _("Usually orders every %(gap)s; the last order was %(when)s.") % values, "good")


def _find_refunds(metrics: Mapping[str, Any], cart: Cart, as_of: date) -> Iterator[Headline]:
    if metrics.get("refund_value") and (metrics.get("total_purchase_value") or 0) <= 0:
        yield Headline("refunds", _("Has sent back everything that was bought."), "warn")


def _find_single_order(metrics: Mapping[str, Any], cart: Cart, as_of: date) -> Iterator[Headline]:
    if metrics.get("total_purchase") != 1 or metrics.get("last_seen") is None:
        return
    days = metrics.get("days_since_order") or 0
    if _to_day(metrics["last_seen"]) > _to_day(metrics["last_order"]):
        yield Headline("one-order-back", _("Came back after the first order, but has not ordered again."))
    elif days >= SILENT_DAYS:
        text = _("Never came back after the first order, %(days)s ago.")
        yield Headline("one-order-silent", text % {"days": formats.days(days)}, "warn")


def _find_looker(metrics: Mapping[str, Any], cart: Cart, as_of: date) -> Iterator[Headline]:
    sessions = metrics.get("sessions") or 0
    if metrics.get("total_purchase") or not sessions:
        return
    text = ngettext(
        "Has visited the shop once and never ordered.", "Has visited the shop %(number)s times and never ordered.", sessions
    )
    yield Headline("no-order", text % {"number": formats.count(sessions)})


def _find_last_order(metrics: Mapping[str, Any], cart: Cart, as_of: date) -> Iterator[Headline]:
    if metrics.get("days_since_order") is None:
        return
    orders = metrics.get("total_purchase") or 0
    text = ngettext("Has ordered once, %(when)s.", "Has ordered %(number)s times, last %(when)s.", orders)
    yield Headline("orders", text % {"number": formats.count(orders), "when": _describe_ago(metrics["days_since_order"], as_of)})


def _find_visits(metrics: Mapping[str, Any], cart: Cart, as_of: date) -> Iterator[Headline]:
    if metrics.get("days_since_seen") is not None:
        yield Headline("seen", _("Was last seen %(when)s.") % {"when": _describe_ago(metrics["days_since_seen"], as_of)})


def _describe_ago(days: int, as_of: date) -> str:
    """Counted back from the day of the data, which is not today."""
    return _("%(days)s ago") % {"days": formats.days(days)} if days else _("on %(day)s") % {"day": formats.day(as_of)}


def _to_day(value: date | str) -> date:
    """Documents have days as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value
