"""The accounts of the shop's customers: one row for each row of the shop's table `customers`, with sums over the open cart and
the wishlist. The stream "shop" keeps these tables equal to the shop's database.

The expressions of cdp/metrics/account.py run over these rows. Every night joins all accounts to all customers, so it need not
know which accounts have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.customers.lineage import version_of
from batch.days.customer_day import CUSTOMER_ID
from batch.hdfs.tables import open_table, read_shop_table
from batch.plan import TableVersion
from cdp.kinds import DIGITS, MONEY, MONEY_SCALE, PRICE
from cdp.lake.paths import SHOP
from cdp.settings import Settings

#: The shop's tables that are read: each with its columns and their types.
ACCOUNT_TABLES: Mapping[str, Mapping[str, str]] = {
    "customers": {CUSTOMER_ID: "string", "signed_up_at": "timestamp", "city": "string", "marketing_consent": "boolean"},
    "carts": {"cart_id": "string", CUSTOMER_ID: "string", "status": "string", "updated_at": "timestamp"},
    "cart_items": {"cart_id": "string", "product_id": "string", "quantity": "int"},
    "products": {"product_id": "string", "price": PRICE},
    "wishlists": {CUSTOMER_ID: "string", "product_id": "string"},
}
_CART_TABLES = {"carts", "cart_items", "products"}
#: A larger sum would stop the night.
MOST_MONEY = Decimal(10**DIGITS - 1).scaleb(-MONEY_SCALE)
#: The sums of an account, with their types.
_SUMS = {"cart_value": MONEY, "cart_items": "bigint", "cart_changed_at": "timestamp", "wishes": "bigint"}


def read_shop_versions(settings: Settings) -> dict[str, TableVersion]:
    """The present version of each table that exists."""
    tables = {name: open_table(settings, f"{SHOP}/{name}") for name in ACCOUNT_TABLES}
    return {name: version_of(table) for name, table in tables.items() if table}


def read_accounts(spark: SparkSession, settings: Settings, versions: Mapping[str, TableVersion]) -> DataFrame | None:
    """The accounts in these versions of the shop's tables; None if there is no table of customers."""
    return build_accounts({name: read_shop_table(spark, settings, name, table.version) for name, table in versions.items()})


def build_accounts(tables: Mapping[str, DataFrame]) -> DataFrame | None:
    """The columns of `customers`, and the sums: 0 for a customer without an open cart or a wish. A value is null if the shop has
    no table or column from which it is computed."""
    shop = {name: _select_columns(name, table) for name, table in tables.items() if _is_usable(name, table)}
    accounts = shop.get("customers")
    if accounts is None:
        return None
    if shop.keys() >= _CART_TABLES:
        accounts = accounts.join(_sum_open_carts(shop), CUSTOMER_ID, "left").fillna(0, ["cart_value", "cart_items"])
    if "wishlists" in shop:
        accounts = accounts.join(_count_wishes(shop["wishlists"]), CUSTOMER_ID, "left").fillna(0, ["wishes"])
    return accounts.withColumns({name: F.lit(None).cast(kind) for name, kind in _SUMS.items() if name not in accounts.columns})


def _is_usable(name: str, table: DataFrame) -> bool:
    """Each column of `customers` but the key may be missing: it is a metric of its own."""
    required = {CUSTOMER_ID} if name == "customers" else ACCOUNT_TABLES[name].keys()
    return required <= set(table.columns)


def _select_columns(name: str, table: DataFrame) -> DataFrame:
    """A value that does not fit the type of its column is null."""

    def read(column: str) -> Column:
        return F.col(column) if column in table.columns else F.lit(None)

    return table.select(*(read(column).try_cast(kind).alias(column) for column, kind in ACCOUNT_TABLES[name].items()))


def _sum_open_carts(shop: Mapping[str, DataFrame]) -> DataFrame:
    lines = shop["cart_items"].join(shop["products"], "product_id", "left").groupBy("cart_id")
    sums = lines.agg(F.sum("quantity").alias("items"), F.sum(F.col("quantity") * F.col("price")).alias("value"))
    carts = shop["carts"].where("status = 'open'").join(sums, "cart_id", "left").groupBy(CUSTOMER_ID)
    return carts.agg(
        F.least(F.sum("value"), F.lit(MOST_MONEY)).cast(MONEY).alias("cart_value"),
        F.sum("items").alias("cart_items"),
        F.max("updated_at").alias("cart_changed_at"),
    )


def _count_wishes(wishlists: DataFrame) -> DataFrame:
    return wishlists.groupBy(CUSTOMER_ID).agg(F.count_distinct("product_id").alias("wishes"))
