"""An invented shop for fraud rules: orders, payments and customers, and the rows that the streams write of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from cdp.mart import live, shop

START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Order:
    order_id: str
    customer_id: str
    at: datetime
    amount: Decimal
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Payment:
    payment_id: str
    order_id: str
    customer_id: str
    at: datetime
    status: str


@dataclass(slots=True)
class Shop:
    orders: list[Order] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    #: Customer -> when the account was made.
    customers: dict[str, datetime] = field(default_factory=dict)


def make_shop(seed: int, orders: int = 400, minutes: int = 3000) -> Shop:
    """Few customers, products and minutes, so that every rule finds something, and many times are equal."""
    chance = random.Random(seed)
    made = Shop(customers={str(n): START + timedelta(minutes=chance.randrange(-minutes, minutes)) for n in range(12)})
    for number in range(orders):
        at = START + timedelta(minutes=chance.randrange(minutes))
        products = tuple(sorted(chance.sample("abc", chance.randint(1, 2))))
        customer = str(chance.randrange(12))
        made.orders.append(Order(f"o{number}", customer, at, Decimal(chance.randrange(100, 20000)) / 100, products))
        for attempt in range(chance.randrange(3)):
            status = chance.choice(("failed", "failed", "captured", "pending"))
            paid_at = at + timedelta(minutes=attempt)
            made.payments.append(Payment(f"p{number}-{attempt}", f"o{number}", customer, paid_at, status))
    return made


def write_orders(cursor: Any, orders: Iterable[Order], written_at: datetime) -> None:
    """As the stream "live" does: an order again replaces its row."""
    for order in orders:
        cursor.execute(
            f"""INSERT INTO {live.ORDER.full_name} (order_id, customer_id, ordered_at, lines, units, amount, products, written_at)
                VALUES (%s, %s, %s, 1, 1, %s, %s, %s)
                ON CONFLICT (order_id, customer_id) DO UPDATE SET written_at = excluded.written_at""",
            [order.order_id, order.customer_id, order.at, order.amount, json.dumps(order.products), written_at],
        )


def write_payments(cursor: Any, payments: Iterable[Payment], changed_at: datetime) -> None:
    """As the stream "shop" does: each with its order."""
    for payment in payments:
        cursor.execute(
            f"""INSERT INTO {shop.ORDER.full_name} (order_id, customer_id, status, changed_at, batch)
                VALUES (%s, %s, 'placed', %s, 1) ON CONFLICT DO NOTHING""",
            [payment.order_id, payment.customer_id, changed_at],
        )
        cursor.execute(
            f"""INSERT INTO {shop.PAYMENT.full_name} (payment_id, order_id, amount, status, updated_at, changed_at, batch)
                VALUES (%s, %s, 10, %s, %s, %s, 1) ON CONFLICT (payment_id) DO UPDATE SET changed_at = excluded.changed_at""",
            [payment.payment_id, payment.order_id, payment.status, payment.at, changed_at],
        )


def write_customers(cursor: Any, customers: dict[str, datetime], changed_at: datetime) -> None:
    for customer_id, signed_up_at in customers.items():
        cursor.execute(
            f"""INSERT INTO {shop.CUSTOMER.full_name} (customer_id, signed_up_at, changed_at, batch) VALUES (%s, %s, %s, 1)
                ON CONFLICT DO NOTHING""",
            [customer_id, signed_up_at, changed_at],
        )
