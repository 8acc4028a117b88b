"""Accounts of shops that do not send every table. tests/agreement compares the numbers with DuckDB."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.customers.accounts import build_accounts
from tests.shop_tables import make_tables

pytestmark = pytest.mark.spark

ANN = {"customer_id": "ann", "city": "Rome", "marketing_consent": True}
CART = {"cart_id": "1", "customer_id": "ann", "status": "open"}
SHOP = {
    "customers": [ANN],
    "carts": [CART],
    "cart_items": [{"cart_id": "1", "product_id": "p", "quantity": 3}],
    "products": [{"product_id": "p", "price": 2}],
    "wishlists": [{"customer_id": "ann", "product_id": "p"}],
}
SUMS = ("cart_value", "cart_items", "wishes")


@pytest.fixture
def shop(spark: SparkSession) -> dict[str, DataFrame]:
    return {name: spark.createDataFrame(table) for name, table in make_tables(SHOP).items()}


def read_account(shop: dict[str, DataFrame]) -> dict[str, Any]:
    accounts = build_accounts(shop)
    assert accounts is not None
    (row,) = accounts.collect()
    return dict(row.asDict())


@pytest.mark.parametrize(
    ("table", "sums"), [("carts", (None, None, 1)), ("products", (None, None, 1)), ("wishlists", (6, 3, None))]
)
def test_a_missing_table_is_not_an_empty_one(shop: dict[str, DataFrame], table: str, sums: tuple[int | None, ...]) -> None:
    del shop[table]
    account = read_account(shop)
    assert tuple(account[name] for name in SUMS) == sums
    assert account["city"] == "Rome"


def test_without_customers_there_are_no_accounts(shop: dict[str, DataFrame]) -> None:
    del shop["customers"]
    assert build_accounts(shop) is None


def test_a_cart_is_worth_at_most_what_money_can_hold(spark: SparkSession, shop: dict[str, DataFrame]) -> None:
    """The night goes on."""
    lines = spark.range(11).selectExpr("'1' AS cart_id", "'p' AS product_id", "100000 AS quantity")
    shop |= {"cart_items": lines, "products": shop["products"].withColumn("price", F.expr("9999999999.99"))}
    account = read_account(shop)
    assert (account["cart_value"], account["cart_items"]) == (Decimal("9999999999999999.99"), 1_100_000)
