"""A second, naive reading of the rules: loops over a list, by the words of docs/fraud.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.cdp_web.fraud.shop import Order, Payment, Shop

Values = Mapping[str, Any]


def _count_within(things: list[Any], place: int, minutes: int) -> int:
    """Those up to this one that are younger than the time."""
    last = things[place]
    return sum(last.at - each.at < timedelta(minutes=minutes) for each in things[: place + 1])


def _find_crossings(things: list[Any], is_over: Callable[[list[Any], int], bool]) -> list[Any]:
    """Those at which a limit is exceeded that was not exceeded at the one before."""
    over = [is_over(things, place) for place in range(len(things))]
    return [thing for place, thing in enumerate(things) if over[place] and not (place and over[place - 1])]


def _sort_orders(orders: list[Order]) -> list[Order]:
    return sorted(orders, key=lambda order: (order.at, order.order_id, order.customer_id))


def _name(order: Order) -> str:
    return f"{order.customer_id}/{order.order_id}"


def frequency(shop: Shop, values: Values) -> set[str]:
    def is_over(orders: list[Order], place: int) -> bool:
        return _count_within(orders, place, values["minutes"]) > values["orders"]

    found = set()
    for customer in shop.customers:
        orders = _sort_orders([order for order in shop.orders if order.customer_id == customer])
        found |= {_name(order) for order in _find_crossings(orders, is_over)}
    return found


def amount(shop: Shop, values: Values) -> set[str]:
    return {_name(order) for order in shop.orders if order.amount > Decimal(values["amount"])}


def _group_baskets(shop: Shop, values: Values, key: Callable[[Order], Any]) -> list[list[Order]]:
    groups: dict[Any, list[Order]] = {}
    for order in _sort_orders(shop.orders):
        if len(order.products) >= values["products"]:
            groups.setdefault(key(order), []).append(order)
    return list(groups.values())


def repeated_basket(shop: Shop, values: Values) -> set[str]:
    def is_over(orders: list[Order], place: int) -> bool:
        return _count_within(orders, place, values["minutes"]) >= values["orders"]

    groups = _group_baskets(shop, values, lambda order: (order.customer_id, order.products))
    return {_name(order) for orders in groups for order in _find_crossings(orders, is_over)}


def shared_basket(shop: Shop, values: Values) -> set[str]:
    def is_over(orders: list[Order], place: int) -> bool:
        """Orders at the same moment count together."""
        ages = [(order.customer_id, orders[place].at - order.at) for order in orders]
        span = timedelta(minutes=values["minutes"])
        return len({customer for customer, age in ages if timedelta(0) <= age < span}) >= values["different"]

    groups = _group_baskets(shop, values, lambda order: order.products)
    return {_name(order) for orders in groups for order in _find_crossings(orders, is_over)}


def failed_payments(shop: Shop, values: Values) -> set[str]:
    def is_over(payments: list[Payment], place: int) -> bool:
        return _count_within(payments, place, values["minutes"]) >= values["payments"]

    found = set()
    for customer in shop.customers:
        rows: list[list[Payment]] = [[]]
        payments = [payment for payment in shop.payments if payment.customer_id == customer]
        for payment in sorted(payments, key=lambda payment: (payment.at, payment.payment_id)):
            if payment.status == "captured":
                rows.append([])
            elif payment.status == "failed":
                rows[-1].append(payment)
        found |= {f"{customer}/{payment.payment_id}" for row in rows for payment in _find_crossings(row, is_over)}
    return found


def new_account(shop: Shop, values: Values) -> set[str]:
    return {
        _name(order)
        for order in shop.orders
        if order.amount > Decimal(values["amount"])
        and timedelta(0) <= order.at - shop.customers[order.customer_id] < timedelta(hours=values["hours"])
    }


REFEREES: Mapping[str, Callable[[Shop, Values], set[str]]] = {
    "frequency": frequency,
    "amount": amount,
    "repeated_basket": repeated_basket,
    "shared_basket": shared_basket,
    "failed_payments": failed_payments,
    "new_account": new_account,
}
