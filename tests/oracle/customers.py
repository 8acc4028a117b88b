"""Every metric of every customer, from the table `events` up to the day `$as_of`.

Each metric has one line, over a customer's events, orders or rankings; a test fails for a metric without one. Shares and means
are computed in whole numbers and rounded half up, because DuckDB divides decimals as floats.
"""

from __future__ import annotations

from datetime import date

from tests.oracle.accounts import ACCOUNTS, ACCOUNTS_SQL, NO_SHOP_SQL
from tests.oracle.rankings import FAVOURITES, FAVOURITES_SQL, RFM, RFM_SQL

WINDOWS = (7, 30, 90)
ORDER = "event_type = 'purchase'"
REFUND = "event_type = 'refund'"


def half_up(part: str, whole: str, digits: int) -> str:
    twice = f"CAST({2 * 10**digits} * ({part}) AS BIGINT)"
    return f"(({twice} + ({whole})) // nullif(2 * ({whole}), 0)) * {10**-digits:.{digits}f}"


def _counts(when: str) -> dict[str, str]:
    """Counts and money over the events for which `when` holds."""
    return {
        "orders": f"count(DISTINCT (day, bought_in)) FILTER ({ORDER} AND {when})",
        "revenue": f"coalesce(sum(money) FILTER ({when}), 0)",
        "gross_revenue": f"coalesce(sum(money) FILTER ({ORDER} AND {when}), 0)",
        "refunds": f"count(*) FILTER ({REFUND} AND {when})",
        "refund_value": f"-coalesce(sum(money) FILTER ({REFUND} AND {when}), 0)",
        "items": f"coalesce(sum(units) FILTER ({ORDER} AND {when}), 0)",
        "active_days": f"count(DISTINCT day) FILTER ({when})",
        "sessions": f"count(DISTINCT (day, coalesce(session, 'none at all'))) FILTER (event_type <> 'refund' AND {when})",
        "views": f"count(*) FILTER (event_type = 'view' AND {when})",
        "carts": f"count(*) FILTER (event_type = 'cart' AND {when})",
        "removals": f"count(*) FILTER (event_type = 'remove_from_cart' AND {when})",
    }


def _count_distinct(event_type: str, column: str) -> str:
    return f"count(DISTINCT {column}) FILTER (event_type = '{event_type}')"


def _products(event_type: str) -> str:
    return f"coalesce(list(DISTINCT product_id) FILTER (event_type = '{event_type}'), [])"


_EVER = _counts("true")
_DAYS = "count(DISTINCT day) FILTER"
_CART_DAYS = f"{_DAYS} (event_type = 'cart')"
_BOTH_DAYS = f"len(list_intersect(list(DISTINCT day) FILTER (event_type = 'cart'), list(DISTINCT day) FILTER ({ORDER})))"
_ABANDONED = f"{_CART_DAYS} - coalesce({_BOTH_DAYS}, 0)"
_GAP = f"max(day) FILTER ({ORDER}) - min(day) FILTER ({ORDER})"

#: Over the events of a customer.
OF_EVENTS = {
    **{name: sql for name, sql in _EVER.items() if name not in ("orders", "revenue", "gross_revenue")},
    "total_purchase": _EVER["orders"],
    "total_purchase_value": _EVER["revenue"],
    "gross_purchase_value": _EVER["gross_revenue"],
    "avg_purchase_value": half_up(_EVER["gross_revenue"], _EVER["orders"], 2),
    "first_seen": "min(day)",
    "last_seen": "max(day)",
    "first_order": f"min(day) FILTER ({ORDER})",
    "last_order": f"max(day) FILTER ({ORDER})",
    "days_since_first_seen": "$as_of - min(day)",
    "days_since_seen": "$as_of - max(day)",
    "days_since_order": f"$as_of - max(day) FILTER ({ORDER})",
    "days_to_first_order": f"min(day) FILTER ({ORDER}) - min(day)",
    "mean_days_between_orders": half_up(_GAP, f"{_EVER['orders']} - 1", 6),
    "order_days": f"{_DAYS} ({ORDER})",
    "cart_days": _CART_DAYS,
    "abandoned_cart_days": _ABANDONED,
    "products_viewed": _count_distinct("view", "product_id"),
    "products_carted": _count_distinct("cart", "product_id"),
    "products_bought": _count_distinct("purchase", "product_id"),
    "categories_viewed": _count_distinct("view", "category"),
    "categories_bought": _count_distinct("purchase", "category"),
    "brands_viewed": _count_distinct("view", "brand"),
    "brands_bought": _count_distinct("purchase", "brand"),
    "view_to_cart_rate": half_up(
        f"len(list_intersect({_products('view')}, {_products('cart')}))", _count_distinct("view", "product_id"), 6
    ),
    "cart_to_order_rate": half_up(
        f"len(list_intersect({_products('cart')}, {_products('purchase')}))", _count_distinct("cart", "product_id"), 6
    ),
    "abandonment_rate": half_up(_ABANDONED, _CART_DAYS, 6),
    "order_session_rate": half_up(_EVER["orders"], _EVER["sessions"], 6),
    "views_per_session": half_up(_EVER["views"], _EVER["sessions"], 6),
    "items_per_order": half_up(_EVER["items"], _EVER["orders"], 6),
    **{f"{name}_{days}d": sql for days in WINDOWS for name, sql in _counts(f"$as_of - day < {days}").items()},
    **{
        f"avg_purchase_value_{days}d": half_up(counts["gross_revenue"], counts["orders"], 2)
        for days in WINDOWS
        for counts in [_counts(f"$as_of - day < {days}")]
    },
    "lifecycle": f"""CASE
        WHEN $as_of - min(day) < 30 THEN 'new'
        WHEN count(*) FILTER ({ORDER} AND $as_of - day < 30) > 0
            AND count(*) FILTER ({ORDER} AND $as_of - day BETWEEN 30 AND 89) = 0
            AND count(*) FILTER ({ORDER} AND $as_of - day >= 90) > 0 THEN 'returned'
        WHEN $as_of - max(day) < 30 THEN 'active'
        WHEN $as_of - max(day) < 60 THEN 'at risk'
        ELSE 'lapsed' END""",
}
#: Over the orders of a customer: `day`, `value`.
OF_ORDERS = {
    "min_purchase_value": "min(value)",
    "max_purchase_value": "max(value)",
    **{f"{end}_purchase_value_{n}d": f"{end}(value) FILTER ($as_of - day < {n})" for n in WINDOWS for end in ("min", "max")},
}
READ = (*OF_EVENTS, *OF_ORDERS, *FAVOURITES, *RFM, *ACCOUNTS)


def customers_sql(as_of: date, *, has_shop: bool = False) -> str:
    """SQL for a row per customer, with a column per metric, named by its key. `has_shop`: there are tables of the shop."""
    return f"""
        WITH {"" if has_shop else f"{NO_SHOP_SQL}, "}
        known AS (SELECT * FROM events WHERE day <= $as_of),
        orders AS (SELECT user_id, day, sum(money) AS value FROM known WHERE {ORDER} GROUP BY user_id, day, bought_in),
        counted AS (SELECT user_id, {_list_columns(OF_EVENTS)} FROM known GROUP BY user_id),
        ordered AS (SELECT user_id, {_list_columns(OF_ORDERS)} FROM orders GROUP BY user_id),
        {FAVOURITES_SQL},
        {RFM_SQL},
        {ACCOUNTS_SQL}
        SELECT user_id AS customer_id, * EXCLUDE (user_id)
        FROM counted LEFT JOIN ordered USING (user_id) LEFT JOIN favourites USING (user_id) LEFT JOIN rfm USING (user_id)
            LEFT JOIN accounts USING (user_id)
    """.replace("$as_of", f"DATE '{as_of}'")


def _list_columns(columns: dict[str, str]) -> str:
    return ", ".join(f"{sql} AS {key}" for key, sql in columns.items())
