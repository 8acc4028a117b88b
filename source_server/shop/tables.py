"""The shop's tables: keys, and what the API filters by. sql/schema.sql creates them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA = "shop"
#: A row of a table: column -> value.
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ShopTable:
    """One table. `key` is its primary key; `time` the column that says when a row last changed, if there is one."""

    name: str
    about: str
    key: tuple[str, ...]
    time: str | None = None
    filters: tuple[str, ...] = ()  # columns besides the key that rows can be selected by
    sequence: bool = False  # the key is a number that the database gives

    @property
    def full_name(self) -> str:
        return f"{SCHEMA}.{self.name}"

    def key_of(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[name] for name in self.key)


#: A table comes after those that it refers to.
TABLES = (
    ShopTable("customers", "people with an account", ("customer_id",), "updated_at", ("email", "city")),
    ShopTable("categories", "a tree of categories", ("category_id",), None, ("parent_id", "code")),
    ShopTable("products", "products with price and stock", ("product_id",), "updated_at", ("category_id", "brand")),
    ShopTable("carts", "a cart of a customer", ("cart_id",), "updated_at", ("customer_id", "status"), True),
    ShopTable("cart_items", "products in open carts", ("cart_id", "product_id"), "added_at", ("product_id",)),
    ShopTable("wishlists", "products that customers wish for", ("customer_id", "product_id"), "added_at", ("product_id",)),
    ShopTable("orders", "orders with their present status", ("order_id",), "updated_at", ("customer_id", "status"), True),
    ShopTable("order_items", "lines of orders", ("order_id", "line"), None, ("product_id",)),
    ShopTable("order_status_history", "each status that an order has had", ("order_id", "position"), "changed_at", ("status",)),
    ShopTable("payments", "attempts to pay an order", ("payment_id",), "updated_at", ("order_id", "status"), True),
    ShopTable("shipments", "parcels of orders", ("shipment_id",), "updated_at", ("order_id", "status"), True),
    ShopTable("refunds", "lines that were given back, whole or in part", ("refund_id",), "refunded_at", ("order_id",), True),
)
BY_NAME = {table.name: table for table in TABLES}
