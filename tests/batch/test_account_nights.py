"""What the shop's database says of a customer reaches the next publication, whether or not the customer did anything."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from batch.customers.accounts import read_shop_versions
from tests.batch.shop import D2, LAST_STATE, Shop
from tests.shop_tables import ShopRows, write_shop
from tests.spark_session import utc

pytestmark = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark]

ACCOUNT = ("city", "marketing_consent", "open_cart_value", "open_cart_changed", "wishlist_products")


def make_shop(city: str, *, consent: bool) -> ShopRows:
    """Ann's account. Her open cart last changed after the published day."""
    changed = utc(2019, 10, 4)
    return {
        "customers": [{"customer_id": "ann", "city": city, "marketing_consent": consent, "signed_up_at": utc(2019, 9, 30, 23)}],
        "carts": [{"cart_id": "1", "customer_id": "ann", "status": "open", "updated_at": changed}],
        "cart_items": [{"cart_id": "1", "product_id": "p", "quantity": 3}],
        "products": [{"product_id": "p", "price": 2}],
        "wishlists": [],
    }


def read_account(shop: Shop, customer: str = "ann") -> tuple[Any, ...]:
    document = shop.profiles()[customer]
    return tuple(str(document[key]) if key in document else None for key in ACCOUNT)


def count_recomputed(shop: Shop) -> list[str]:
    return [line.split(", ")[1] for line in shop.said if line.startswith("  customers")]


def test_account_that_changes_is_published_although_its_customer_did_nothing(published: Shop) -> None:
    shop = published
    write_shop(shop.settings, make_shop("Rome", consent=True))
    shop.night(D2)
    assert read_account(shop) == ("Rome", "yes", "6.00", "2019-10-04", None)
    assert read_account(shop, "bob") == (None,) * len(ACCOUNT)
    history = shop.profiles()["ann"]["history_hash"]

    shop.night(D2)
    assert shop.rows(LAST_STATE) == [("needless",)]

    write_shop(shop.settings, make_shop("Oslo", consent=False))
    shop.night(D2)
    assert read_account(shop) == ("Oslo", "no", "6.00", "2019-10-04", None)
    assert shop.profiles()["ann"]["history_hash"] == history
    assert count_recomputed(shop) == ["0 of them recomputed", "0 of them recomputed"]
    ((versions,),) = shop.rows("SELECT shop_versions FROM mart.publication ORDER BY id DESC LIMIT 1")
    assert versions == {name: asdict(version) for name, version in read_shop_versions(shop.settings).items()}
    assert versions["carts"]["version"] == 1
