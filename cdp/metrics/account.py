"""What the shop's database knows of a customer with an account: sign-up, city, consent, open cart and wishlist.

An expression reads the customer's account (batch/customers/accounts.py): the row of the shop's table `customers`, with sums over
the open cart and the wishlist.
"""

from __future__ import annotations

from cdp.metrics.groups import ACCOUNT
from cdp.metrics.metric import Kind, Metric, Unit

CONSENTS = ("yes", "no")


def _read(key: str, kind: Kind, title: str, about: str, sql: str, unit: Unit = "", choices: tuple[str, ...] = ()) -> Metric:
    return Metric(key, kind, ACCOUNT, title, about, "account", sql, unit, choices=choices)


def _count_days_since(key: str, title: str, about: str, since: str) -> Metric:
    """The shop's database may name a day after the published one."""
    sql = f"CASE WHEN {since} IS NOT NULL THEN greatest(datediff({{as_of}}, {since}), 0) END"
    return Metric(key, "integer", ACCOUNT, title, about, "derived", sql, "days", since=since)


ACCOUNT_METRICS: tuple[Metric, ...] = (
    _read("signed_up", "date", "Signed up", "Day on which the customer opened the account.", "CAST(signed_up_at AS DATE)"),
    _count_days_since(
        "days_since_sign_up", "Days since sign-up", "Days from the sign-up to the published day; 0 if the sign-up was later.",
        "signed_up",
    ),
    _read("city", "text", "City", "City of the account.", "nullif(trim(city), '')"),
    _read(
        "marketing_consent", "text", "Marketing consent", "Whether the customer agrees to receive marketing: yes or no.",
        f"CASE WHEN marketing_consent THEN '{CONSENTS[0]}' WHEN NOT marketing_consent THEN '{CONSENTS[1]}' END",
        choices=CONSENTS,
    ),
    _read(
        "open_cart_value", "money", "Value of the open cart",
        "Units in the open cart times the current price of the product; 0 without an open cart.", "cart_value", "money",
    ),
    _read(
        "open_cart_items", "integer", "Items in the open cart", "Units in the open cart; 0 without an open cart.", "cart_items",
    ),
    _read(
        "open_cart_changed", "date", "Open cart last changed",
        "Day on which the open cart last changed; missing without an open cart.", "CAST(cart_changed_at AS DATE)",
    ),
    _count_days_since(
        "days_since_cart_change", "Days since the open cart changed",
        "Days from the last change of the open cart to the published day; 0 if the change was later, missing without an open cart.",
        "open_cart_changed",
    ),
    _read("wishlist_products", "integer", "Products on the wishlist", "Different products on the wishlist.", "wishes"),
)  # fmt: skip
