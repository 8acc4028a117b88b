"""A second, naive reading of the rules: loops over a list, by the words of docs/fraud.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.cdp_web.fraud.shop import Order, Payment, Shop

Values = Mapping[str, Any]


def _within(things: list[Any], last: Any, minutes: int) -> list[Any]:
    """Those up to the last one that are younger than the time."""
    place = things.index(last)
    return [each for each in things[: place + 1] if last.at - each.at < timedelta(minutes=minutes)]


def _find_crossings(things: list[Any], is_over: Callable[[Any], bool]) -> list[Any]:
    pairs = zip([None, *things], things, strict=False)
    return [thing for previous, thing in pairs if is_over(thing) and not (previous and is_over(previous))]


def _sort_orders(orders: list[Order]) -> list[Order]:
    return sorted(orders, key=lambda order: (order.at, order.order_id, order.customer_id))


def _name(order: Order) -> str:
    return f"{order.customer_id}/{order.order_id}"


def frequency(shop: Shop, values: Values) -> set[str]:
    found = set()
    for customer in shop.customers:
        orders = _sort_orders([order for order in shop.orders if order.customer_id == customer])
        found |= {
            _name(o) for o in _find_crossings(orders, lambda o: len(_within(orders, o, values["minutes"])) > values["orders"])
        }  # noqa: B023
    return found


def amount(shop: Shop, values: Values) -> set[str]:
    return {_name(order) for order in shop.orders if order.amount > Decimal(values["amount"])}


def repeated_basket(shop: Shop, values: Values) -> set[str]:
    groups: dict[Any, list[Order]] = {}
    for order in _sort_orders(shop.orders):
        if len(order.products) >= values["products"]:
            groups.setdefault((order.customer_id, order.products), []).append(order)
    return {
        _name(order)
        for orders in groups.values()
        for order in _find_crossings(orders, lambda o: len(_within(orders, o, values["minutes"])) >= values["orders"])  # noqa: B023
    }


def shared_basket(shop: Shop, values: Values) -> set[str]:
    groups: dict[Any, list[Order]] = {}
    for order in _sort_orders(shop.orders):
        if len(order.products) >= values["products"]:
            groups.setdefault(order.products, []).append(order)

    def count(orders: list[Order], last: Order) -> int:
        return len({order.customer_id for order in _within(orders, last, values["minutes"])})

    return {
        _name(order)
        for orders in groups.values()
        for order in _find_crossings(orders, lambda o: count(orders, o) >= values["different"])  # noqa: B023
    }


def failed_payments(shop: Shop, values: Values) -> set[str]:
    found = set()
    for customer in shop.customers:
        rows: list[list[Payment]] = [[]]
        payments = [payment for payment in shop.payments if payment.customer_id == customer]
        for payment in sorted(payments, key=lambda payment: (payment.at, payment.payment_id)):
            if payment.status == "captured":
                rows.append([])
            elif payment.status == "failed":
                rows[-1].append(payment)
        for row in rows:
            crossings = _find_crossings(row, lambda p: len(_within(row, p, values["minutes"])) >= values["payments"])  # noqa: B023
            found |= {f"{customer}/{payment.payment_id}" for payment in crossings}
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
