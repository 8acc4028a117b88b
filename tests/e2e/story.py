"""Four days of a very small shop, written by hand, and the numbers that every store must show for them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

Event = dict[str, Any]


def event(time: str, kind: str, user: str, session: str, product: str, price: str, **more: Any) -> Event:
    row = {
        "event_time": f"{time} UTC", "event_type": kind, "product_id": product, "category_id": "2053013555631882655",
        "category_code": "electronics.smartphone", "brand": "Acme", "price": price, "user_id": user, "user_session": session,
    }  # fmt: skip
    return row | more


#: Ann buys twice and Bob looks once. One of Cid's events arrives after the day that it belongs to.
FIRST_DAYS: tuple[Event, ...] = (
    event("2021-05-01 09:00:00", "view", "ann", "s1", "1000000000000000001", "10.00"),
    event("2021-05-01 09:01:00", "cart", "ann", "s1", "1000000000000000001", "10.00"),
    event("2021-05-01 09:02:00", "purchase", "ann", "s1", "1000000000000000001", "10.00", quantity=2),
    event("2021-05-02 10:00:00", "purchase", "ann", "s2", "1000000000000000002", "5.50"),
    event("2021-05-02 11:00:00", "view", "bob", "s3", "1000000000000000001", "10.00"),
    event("2021-05-02 11:00:00", "view", "bob", "s3", "1000000000000000001", "10.00"),  # the same event once more
    event("2021-05-03 23:59:59", "view", "cid", "s4", "1000000000000000002", "5.50"),
    event("2021-05-03 23:59:59", "cart", "cid", "s4", "1000000000000000002", "5.50"),
    event("2021-05-03 23:59:59", "remove_from_cart", "cid", "s4", "1000000000000000002", "5.50"),
    event("2021-05-01 08:00:00", "view", "cid", "s5", "1000000000000000002", "5.50"),  # late
    event("2021-05-03 12:00:00", "view", "dan", "s6", "1000000000000000002", "-1"),  # refused: bad_price
    event("2021-05-03 12:00:00", "gaze", "dan", "s6", "1000000000000000002", "1"),  # refused: bad_type
)
NEXT_DAY: tuple[Event, ...] = (event("2021-05-04 12:00:00", "purchase", "bob", "s7", "1000000000000000003", "99.99"),)

LAST_DAY = "2021-05-03"

#: day -> customers, new customers, buyers, sessions, views, carts, removals, orders, items, revenue
KPI = {
    "2021-05-01": (2, 2, 1, 2, 2, 1, 0, 1, 2, Decimal("20.00")),
    "2021-05-02": (2, 1, 1, 2, 1, 0, 0, 1, 1, Decimal("5.50")),
    "2021-05-03": (1, 0, 0, 1, 1, 1, 1, 0, 0, Decimal("0.00")),
}
KPI_COLUMNS = (
    "customers", "new_customers", "buyers", "sessions", "views", "carts", "removals", "orders", "items", "revenue",
)  # fmt: skip

#: customer -> metrics as of the third day
CUSTOMERS = {
    "ann": {
        "first_seen": "2021-05-01", "last_seen": "2021-05-02", "active_days": 2, "total_purchase": 2, "items": 3,
        "total_purchase_value": Decimal("25.50"), "avg_purchase_value": Decimal("12.75"), "days_since_seen": 1,
    },
    "bob": {
        "first_seen": "2021-05-02", "last_seen": "2021-05-02", "active_days": 1, "views": 1, "total_purchase": 0,
        "total_purchase_value": Decimal("0.00"), "days_since_seen": 1,
    },
    "cid": {
        "first_seen": "2021-05-01", "last_seen": "2021-05-03", "active_days": 2, "views": 2, "carts": 1, "removals": 1,
        "sessions": 2, "total_purchase": 0, "days_since_seen": 0,
    },
}  # fmt: skip
REFUSED = {"bad_price", "bad_type"}

#: Ordered twice and over 20, or seen on the published day.
RULE = {
    "version": 1,
    "rule": {
        "any": [
            {
                "all": [
                    {"metric": {"field": "total_purchase", "operator": "ge", "value": 2}},
                    {"metric": {"field": "total_purchase_value", "operator": "gt", "value": "20.00"}},
                ]
            },
            {"metric": {"field": "days_since_seen", "operator": "lt", "value": 1}},
        ]
    },
}
MEMBERS = {"ann", "cid"}
