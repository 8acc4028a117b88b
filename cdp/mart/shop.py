"""What the stream "shop" knows of the shop's database, in Postgres: names for pages and rules, and the orders from which it makes
events. All columns of all tables are on HDFS (/cdp/shop); a row here has what must be found by its key in milliseconds."""

from __future__ import annotations

from functools import partial

from cdp.mart.table import Column, Table

SCHEMA = "shop"
_table = partial(Table, schema=SCHEMA)
#: The number of the batch that wrote the row last.
_BATCH = Column("batch", "long")

CUSTOMER = _table(
    "customer",
    "a customer; personal data, for roles that may see it",
    (
        Column("customer_id", "text"),
        Column("name", "text", required=False),
        Column("email", "text", required=False),
        Column("city", "text", required=False),
        Column("marketing_consent", "boolean", required=False),
        Column("signed_up_at", "time", required=False),
        Column("changed_at", "time", "when the stream wrote the row", default="now()"),
        _BATCH,
    ),
    key=("customer_id",),
    indexes=("lower(name) text_pattern_ops", "lower(email) text_pattern_ops", "changed_at"),
)
CATEGORY = _table(
    "category",
    "a category; `code` is the category code of events",
    (
        Column("category_id", "text"),
        Column("parent_id", "text", required=False),
        Column("code", "text", required=False),
        Column("name", "text", required=False),
        _BATCH,
    ),
    key=("category_id",),
    indexes=("code",),
)
PRODUCT = _table(
    "product",
    "a product",
    (
        Column("product_id", "text"),
        Column("category_id", "text", required=False),
        Column("name", "text", required=False),
        Column("brand", "text", required=False),
        Column("price", "money", required=False),
        Column("stock", "long", required=False),
        Column("active", "boolean", required=False),
        _BATCH,
    ),
    key=("product_id",),
    indexes=("lower(name) text_pattern_ops",),
)
ORDER = _table(
    "orders",
    "an order with its present status",
    (
        Column("order_id", "text"),
        Column("customer_id", "text"),
        Column("status", "text"),
        Column("total", "money", required=False),
        Column("currency", "text", required=False),
        Column("placed_at", "time", required=False),
        Column("paid_at", "time", "the first time that the status was `paid`", required=False),
        Column("changed_at", "time", "when the stream wrote the row"),
        _BATCH,
    ),
    key=("order_id",),
    indexes=("customer_id", "changed_at"),
)
ORDER_ITEM = _table(
    "order_item",
    "a line of an order",
    (
        Column("order_id", "text"),
        Column("line", "integer"),
        Column("product_id", "text"),
        Column("quantity", "integer"),
        Column("unit_price", "money", required=False),
        Column("amount", "money", "money of the whole line, after discounts"),
        _BATCH,
    ),
    key=("order_id", "line"),
)
PAYMENT = _table(
    "payment",
    "an attempt to pay an order",
    (
        Column("payment_id", "text"),
        Column("order_id", "text"),
        Column("attempt", "integer", required=False),
        Column("method", "text", required=False),
        Column("amount", "money", required=False),
        Column("status", "text", "pending, captured or failed"),
        Column("failure", "text", required=False),
        Column("created_at", "time", required=False),
        Column("updated_at", "time", required=False),
        Column("changed_at", "time", "when the stream wrote the row"),
        _BATCH,
    ),
    key=("payment_id",),
    indexes=("order_id", "changed_at"),
)

SHOP_TABLES = (CUSTOMER, CATEGORY, PRODUCT, ORDER, ORDER_ITEM, PAYMENT)
