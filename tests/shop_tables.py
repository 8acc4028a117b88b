"""Tables of a shop's database, as the stream "shop" writes them to HDFS: accounts, carts and wishlists with special cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake

from cdp.kinds import MONEY_SCALE, PRICE_DIGITS
from cdp.lake.paths import SHOP, table_url
from cdp.settings import Settings

#: Table -> its rows.
ShopRows = Mapping[str, list[dict[str, Any]]]

_TIME = pa.timestamp("us", "UTC")
_TYPES = {
    "created_at": _TIME, "updated_at": _TIME, "signed_up_at": _TIME, "added_at": _TIME, "quantity": pa.int32(),
    "price": pa.decimal128(PRICE_DIGITS, MONEY_SCALE), "marketing_consent": pa.bool_(),
}  # fmt: skip
#: The columns that are not texts are in _TYPES.
COLUMNS = {
    "customers": ("customer_id", "name", "email", "city", "marketing_consent", "signed_up_at", "updated_at"),
    "carts": ("cart_id", "customer_id", "status", "created_at", "updated_at"),
    "cart_items": ("cart_id", "product_id", "quantity", "added_at"),
    "products": ("product_id", "name", "price"),
    "wishlists": ("customer_id", "product_id", "added_at"),
}
PRODUCTS = tuple(f"p{number}" for number in range(9))


def make_shop_rows(random: Random, customers: Sequence[str], day: date) -> ShopRows:
    """Rows as they may be just after this day. Some customers have no account, and some accounts no customer."""
    people = [customer for customer in customers if random.random() < 0.7] + ["never seen"]
    products = [_make_product(random, product) for product in PRODUCTS[:-1]]  # one is no longer listed
    carts, lines = [], []
    for number in range(2 * len(people)):
        cart = _make_cart(random, f"k{number}", random.choice([*people, None]), day)
        carts.append(cart)
        lines += _make_lines(random, cart)
    wishes = {(random.choice(people), random.choice(PRODUCTS)) for _ in people}
    return {
        "customers": [_make_account(random, customer, day) for customer in people],
        "carts": carts,
        "cart_items": lines,
        "products": products,
        "wishlists": [{"customer_id": customer, "product_id": product, "added_at": None} for customer, product in sorted(wishes)],
    }


def _make_account(random: Random, customer: str, day: date) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "name": f"Name of {customer}",
        "email": f"{customer}@example.org",
        "city": random.choice(("Huế", " Oslo ", "Rome", "  ", None)),
        "marketing_consent": random.choice((True, False, None)),
        "signed_up_at": random.choice((_make_time(random, day, 900), None)),
        "updated_at": None,
    }


def _make_product(random: Random, product: str) -> dict[str, Any]:
    price = random.choice((Decimal(random.randrange(1, 10**6)) / 100, Decimal("9999999999.99"), None))
    return {"product_id": product, "name": product, "price": price}


def _make_cart(random: Random, cart: str, customer: str | None, day: date) -> dict[str, Any]:
    changed = random.choice((_make_time(random, day, 40), None))
    status = random.choice(("open", "open", "ordered"))
    return {"cart_id": cart, "customer_id": customer, "status": status, "created_at": changed, "updated_at": changed}


def _make_lines(random: Random, cart: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for product in random.sample(PRODUCTS, random.choice((0, 1, 1, 3))):
        quantity = random.choice((1, 2, 5))
        yield {"cart_id": cart["cart_id"], "product_id": product, "quantity": quantity, "added_at": cart["updated_at"]}


def _make_time(random: Random, day: date, most_days: int) -> datetime:
    """Up to so many days before the day, or on the day after it."""
    back = timedelta(days=random.randint(-1, most_days))
    return datetime.combine(day - back, random.choice((time.min, time(23, 59, 59, 999_999), time(12))))


def make_tables(shop: ShopRows) -> dict[str, pa.Table]:
    return {name: pa.Table.from_pylist(rows, _make_schema(name)) for name, rows in shop.items()}


def _make_schema(table: str) -> pa.Schema:
    return pa.schema([(name, _TYPES.get(name, pa.string())) for name in COLUMNS[table]])


def write_shop(settings: Settings, shop: ShopRows) -> None:
    """Make these tables on HDFS equal to the rows."""
    for name, table in make_tables(shop).items():
        write_deltalake(table_url(settings, f"{SHOP}/{name}"), table, mode="overwrite")
