"""Purchases of paid order lines and refunds, each as soon as everything about it is known, in whatever order that came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from psycopg2.extensions import cursor as Cursor

from cdp.mart.shop import CATEGORY, ORDER, ORDER_ITEM, PAID, PRODUCT, REFUND, SENT, WAITING
from streaming.shop.changes import TableChanges
from streaming.shop.rows import encode

#: Tables whose changes may complete an event of an order.
_ORDER_TABLES = ("orders", "order_items", "order_status_history", "payments", "refunds")
#: A part that the shop never sends is not waited for. Parameters: whether the shop sends products, and categories.
MISSING_PART = """
    CASE WHEN o.order_id IS NULL THEN 'order' WHEN %(products)s AND p.product_id IS NULL THEN 'product'
        WHEN %(categories)s AND p.category_id IS NOT NULL AND c.category_id IS NULL THEN 'category' END"""
PAID_LINES = f"""
    {ORDER_ITEM.full_name} i JOIN {PAID.full_name} paid USING (order_id) LEFT JOIN {ORDER.full_name} o USING (order_id)
    LEFT JOIN {PRODUCT.full_name} p USING (product_id) LEFT JOIN {CATEGORY.full_name} c USING (category_id)
    LEFT JOIN {SENT.full_name} s ON s.event_id = 'order:' || i.order_id || ':' || i.line"""
_NOTE_PAID = f"""
    INSERT INTO {PAID.full_name} SELECT r.order_id, min(r.paid_at), %s
    FROM json_to_recordset(%s) AS r (order_id text, paid_at timestamptz) GROUP BY 1 ON CONFLICT DO NOTHING"""
_DATE_ORDERS = f"""
    UPDATE {ORDER.full_name} o SET paid_at = paid.paid_at FROM {PAID.full_name} paid
    WHERE o.order_id = paid.order_id AND o.order_id = ANY(%s) AND o.paid_at IS DISTINCT FROM paid.paid_at"""
_FIND_LINES = f"""
    SELECT {MISSING_PART}, i.order_id, i.line, i.product_id, i.quantity, i.unit_price::text, i.amount::text, paid.paid_at::text,
        o.customer_id, o.currency, p.category_id, c.code, p.brand
    FROM {PAID_LINES} WHERE i.order_id = ANY(%(orders)s) AND s.event_id IS NULL ORDER BY paid.paid_at, i.order_id, i.line"""
_FIND_REFUNDS = f"""
    SELECT r.refund_id, r.quantity, r.amount::text, r.refunded_at::text, bought.event::text FROM {REFUND.full_name} r
    JOIN {SENT.full_name} bought ON bought.event_id = 'order:' || r.order_id || ':' || r.line
    LEFT JOIN {SENT.full_name} s ON s.event_id = 'refund:' || r.refund_id
    WHERE r.order_id = ANY(%s) AND s.event_id IS NULL ORDER BY r.refunded_at, r.refund_id"""
_INSERT = f"""
    INSERT INTO {SENT.full_name} SELECT r.event->>'event_id', r.event->>'event_type', r.event, %s, %s
    FROM json_to_recordset(%s) AS r (event jsonb)"""


def write_events(cursor: Cursor, tables: Mapping[str, TableChanges], sends: Mapping[str, bool], stream: str, batch: int) -> None:
    """Write the events that the batch completes, for the sender. `sends` says which tables the shop has ever sent."""
    _note_paid(cursor, tables, sends, batch)
    orders = _find_orders(cursor, tables)
    if not orders:
        return
    cursor.execute(_DATE_ORDERS, [orders])
    parts = {"products": sends["products"], "categories": sends["categories"]}
    cursor.execute(_FIND_LINES, {"orders": orders} | parts)
    lines = cursor.fetchall()
    _insert(cursor, [make_purchase(*line) for missing, *line in lines if missing is None], stream, batch)
    _remember_waiting(cursor, orders, {line[1] for line in lines if line[0] in ("product", "category")})
    cursor.execute(_FIND_REFUNDS, [orders])
    _insert(cursor, [make_refund(*refund) for refund in cursor.fetchall()], stream, batch)


def _note_paid(cursor: Cursor, tables: Mapping[str, TableChanges], sends: Mapping[str, bool], batch: int) -> None:
    """An order is paid at the time that its history says. In a shop without a history, a captured payment says it."""
    if sends["order_status_history"]:
        rows, time = tables["order_status_history"].rows.values(), "changed_at"
        paid = [row for row in rows if row.get("status") == "paid"]
    else:
        rows, time = tables["payments"].rows.values(), "updated_at"
        paid = [row for row in rows if row.get("status") == "captured"]
    if paid := [row for row in paid if row.get(time)]:
        cursor.execute(_NOTE_PAID, [batch, encode({"order_id": row["order_id"], "paid_at": row[time]} for row in paid)])


def _find_orders(cursor: Cursor, tables: Mapping[str, TableChanges]) -> list[str]:
    """Orders with an event that the batch may complete."""
    orders = {str(row["order_id"]) for name in _ORDER_TABLES for row in tables[name].rows.values()}
    if tables["products"].rows or tables["categories"].rows:
        cursor.execute(f"SELECT order_id FROM {WAITING.full_name}")
        orders |= {order for (order,) in cursor.fetchall()}
    return sorted(orders)


def _remember_waiting(cursor: Cursor, orders: list[str], waiting: Iterable[str]) -> None:
    cursor.execute(f"DELETE FROM {WAITING.full_name} WHERE order_id = ANY(%s)", [orders])
    cursor.execute(f"INSERT INTO {WAITING.full_name} SELECT unnest(%s::text[])", [sorted(waiting)])


def make_purchase(
    order: str, line: int, product: str, quantity: int, price: str | None, amount: str, paid_at: str,
    customer: str, currency: str | None, category: str | None, code: str | None, brand: str | None,
) -> dict[str, Any]:  # fmt: skip
    """The event of a paid line."""
    event = {
        "event_id": f"order:{order}:{line}", "event_type": "purchase", "event_time": _format_time(paid_at),
        "product_id": product, "category_id": category, "category_code": code, "brand": brand,
        "price": price, "quantity": quantity, "amount": amount,
        "user_id": customer, "order_id": order, "currency": currency, "source": "shop",
    }  # fmt: skip
    return {name: value for name, value in event.items() if value is not None}


def make_refund(refund: str, quantity: int | None, amount: str, refunded_at: str, purchase: str) -> dict[str, Any]:
    """The event of a refund: about the same line as the purchase, without its price, because the amount may be less."""
    event = orjson.loads(purchase) | {
        "event_id": f"refund:{refund}", "event_type": "refund", "event_time": _format_time(refunded_at),
        "quantity": quantity, "amount": amount, "price": None,
    }  # fmt: skip
    return {name: value for name, value in event.items() if value is not None}


def _format_time(time: str) -> str:
    """ISO 8601. The connection's time zone is UTC."""
    return time.replace(" ", "T").removesuffix("+00") + "Z"


def _insert(cursor: Cursor, events: list[dict[str, Any]], stream: str, batch: int) -> None:
    if events:
        cursor.execute(_INSERT, [stream, batch, encode({"event": event} for event in events)])
