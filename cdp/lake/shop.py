"""The tables on HDFS that mirror the tables of the shop's database, written by the stream "shop". Ids are texts. A column that is
not declared here is added to its table when it first comes, as a text."""

from __future__ import annotations

from cdp.events.topics import SHOP_TABLES
from cdp.kinds import PRICE
from cdp.lake.paths import SHOP
from cdp.lake.tables import LakeTable

_TEXT, _TIME, _INT = "string", "timestamp", "int"


def _mirror(table: str, *key: str, **columns: str) -> LakeTable:
    return LakeTable(f"{SHOP}/{table}", columns, statistics=",".join(key), key=key)


_TABLES = (
    _mirror(
        "customers", "customer_id",
        customer_id=_TEXT, name=_TEXT, email=_TEXT, city=_TEXT, marketing_consent="boolean", signed_up_at=_TIME,
        updated_at=_TIME,
    ),
    _mirror("categories", "category_id", category_id=_TEXT, parent_id=_TEXT, code=_TEXT, name=_TEXT),
    _mirror(
        "products", "product_id",
        product_id=_TEXT, category_id=_TEXT, name=_TEXT, brand=_TEXT, price=PRICE, stock=_INT, active="boolean",
        created_at=_TIME, updated_at=_TIME,
    ),
    _mirror("carts", "cart_id", cart_id=_TEXT, customer_id=_TEXT, status=_TEXT, created_at=_TIME, updated_at=_TIME),
    _mirror("cart_items", "cart_id", "product_id", cart_id=_TEXT, product_id=_TEXT, quantity=_INT, added_at=_TIME),
    _mirror("wishlists", "customer_id", "product_id", customer_id=_TEXT, product_id=_TEXT, added_at=_TIME),
    _mirror(
        "orders", "order_id",
        order_id=_TEXT, customer_id=_TEXT, status=_TEXT, total=PRICE, currency=_TEXT, placed_at=_TIME, updated_at=_TIME,
    ),
    _mirror(
        "order_items", "order_id", "line",
        order_id=_TEXT, line=_INT, product_id=_TEXT, quantity=_INT, unit_price=PRICE, discount=PRICE, amount=PRICE,
    ),
    _mirror(
        "order_status_history", "order_id", "position", order_id=_TEXT, position=_INT, status=_TEXT, changed_at=_TIME
    ),
    _mirror(
        "payments", "payment_id",
        payment_id=_TEXT, order_id=_TEXT, attempt=_INT, method=_TEXT, amount=PRICE, status=_TEXT, failure=_TEXT,
        created_at=_TIME, updated_at=_TIME,
    ),
    _mirror(
        "shipments", "shipment_id",
        shipment_id=_TEXT, order_id=_TEXT, carrier=_TEXT, tracking_number=_TEXT, status=_TEXT, sent_at=_TIME,
        delivered_at=_TIME, updated_at=_TIME,
    ),
    _mirror(
        "refunds", "refund_id",
        refund_id=_TEXT, order_id=_TEXT, line=_INT, quantity=_INT, amount=PRICE, reason=_TEXT, refunded_at=_TIME,
    ),
)  # fmt: skip

#: By the name of the shop's table.
SHOP_LAKE_TABLES = dict(zip(SHOP_TABLES, _TABLES, strict=True))
assert all(table.name == f"{SHOP}/{name}" for name, table in SHOP_LAKE_TABLES.items()), "the order is that of the topics"
