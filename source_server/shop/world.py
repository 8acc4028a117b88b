"""The shop as the simulator knows it: the present rows that its decisions depend on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count


@dataclass(slots=True)
class Product:
    product_id: int
    category_id: int
    category_code: str
    brand: str | None
    price: Decimal
    stock: int
    active: bool = True


@dataclass(slots=True)
class Cart:
    cart_id: int
    items: dict[int, int] = field(default_factory=dict)  # product -> quantity


@dataclass(slots=True)
class Customer:
    customer_id: int
    signed_up_at: datetime
    marketing_consent: bool
    cart: Cart | None = None
    wishes: dict[int, None] = field(default_factory=dict)  # products in the order in which they were added


@dataclass(slots=True)
class Line:
    line: int
    product_id: int
    quantity: int
    unit_price: Decimal
    discount: Decimal

    @property
    def amount(self) -> Decimal:
        return self.unit_price * self.quantity - self.discount


@dataclass(slots=True)
class Order:
    order_id: int
    customer_id: int
    lines: list[Line]
    status: str = "placed"
    positions: int = 1  # statuses that it has had
    attempts: int = 1  # to pay
    payment_id: int = 0  # of the latest attempt
    method: str = ""
    pending: bool = True  # whether the latest attempt has not ended
    shipment_id: int = 0

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))


@dataclass(slots=True)
class NewIds:
    """Numbers for new rows of each table that has a sequence."""

    carts: Iterator[int] = field(default_factory=lambda: count(1))
    orders: Iterator[int] = field(default_factory=lambda: count(1))
    payments: Iterator[int] = field(default_factory=lambda: count(1))
    shipments: Iterator[int] = field(default_factory=lambda: count(1))
    refunds: Iterator[int] = field(default_factory=lambda: count(1))


@dataclass(slots=True)
class World:
    products: dict[int, Product]  # the best sellers of a category first
    customers: dict[int, Customer]
    unfinished_orders: list[Order]  # orders that wait for a payment, a parcel or its delivery
    orders: int  # all orders so far
    currency: str
    new_ids: NewIds = field(default_factory=NewIds)


def make_world(products: Iterable[Product], customers: Iterable[Customer], currency: str) -> World:
    """A shop without orders."""
    return World({one.product_id: one for one in products}, {one.customer_id: one for one in customers}, [], 0, currency)
