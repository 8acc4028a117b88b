"""The metrics of an account, from the tables `shop_customers`, `shop_carts`, `shop_cart_items`, `shop_products` and
`shop_wishlists`: each is a query of its own over the rows of one customer `c`."""

from __future__ import annotations

#: The columns that the queries need.
SHOP_COLUMNS = {
    "customers": {"customer_id": "VARCHAR", "city": "VARCHAR", "marketing_consent": "BOOLEAN", "signed_up_at": "TIMESTAMP"},
    "carts": {"cart_id": "VARCHAR", "customer_id": "VARCHAR", "status": "VARCHAR", "updated_at": "TIMESTAMP"},
    "cart_items": {"cart_id": "VARCHAR", "product_id": "VARCHAR", "quantity": "INTEGER"},
    "products": {"product_id": "VARCHAR", "price": "DECIMAL(12, 2)"},
    "wishlists": {"customer_id": "VARCHAR", "product_id": "VARCHAR"},
}


def _sum_open_lines(value: str) -> str:
    return f"""coalesce((
        SELECT sum({value}) FROM shop_carts k, shop_cart_items i LEFT JOIN shop_products p ON p.product_id = i.product_id
        WHERE k.customer_id = c.customer_id AND k.status = 'open' AND i.cart_id = k.cart_id), 0)"""


def _count_days(day: str) -> str:
    return f"CASE WHEN {day} > $as_of THEN 0 ELSE $as_of - {day} END"


_CHANGED = "(SELECT CAST(max(updated_at) AS DATE) FROM shop_carts k WHERE k.customer_id = c.customer_id AND status = 'open')"
_ACCOUNTS = {
    "signed_up": "date_trunc('day', signed_up_at)::DATE",
    "days_since_sign_up": _count_days("signed_up_at::DATE"),
    "city": "CASE WHEN city NOT SIMILAR TO ' *' THEN trim(city, ' ') END",
    "marketing_consent": "map {true: 'yes', false: 'no'}[marketing_consent]",
    "open_cart_value": _sum_open_lines("i.quantity * p.price"),
    "open_cart_items": _sum_open_lines("i.quantity"),
    "open_cart_changed": _CHANGED,
    "days_since_cart_change": _count_days(_CHANGED),
    "wishlist_products": "(SELECT count(*) FROM shop_wishlists w WHERE w.customer_id = c.customer_id)",
}
ACCOUNTS = tuple(_ACCOUNTS)
_COLUMNS = ", ".join(f"{sql} AS {key}" for key, sql in _ACCOUNTS.items())
ACCOUNTS_SQL = f"accounts AS (SELECT customer_id AS user_id, {_COLUMNS} FROM shop_customers c)"


def _describe_empty(table: str) -> str:
    return ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in SHOP_COLUMNS[table].items())


#: A shop without a database.
NO_SHOP_SQL = ", ".join(f"shop_{table} AS (SELECT {_describe_empty(table)} WHERE false)" for table in SHOP_COLUMNS)
