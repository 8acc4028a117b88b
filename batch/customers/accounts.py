"""The accounts of the shop's customers: one row for each row of the shop's table `customers`, with sums over the open cart and
the wishlist. The stream "shop" keeps these tables equal to the shop's database.

The expressions of cdp/metrics/account.py run over these rows. Every night joins all accounts to all customers, so it need not
know which accounts have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.customers.lineage import version_of
from batch.days.customer_day import CUSTOMER_ID
from batch.hdfs.tables import open_table, read_shop_table
from batch.plan import TableVersion
from cdp.kinds import DIGITS, MONEY, MONEY_SCALE
from cdp.lake.paths import SHOP
from cdp.settings import Settings

#: The shop's tables that are read.
ACCOUNT_TABLES = ("customers", "carts", "cart_items", "products", "wishlists")
_CART_TABLES = {"carts", "cart_items", "products"}
#: A larger sum would stop the night.
MOST_MONEY = Decimal(10**DIGITS - 1).scaleb(-MONEY_SCALE)
#: The sums of an account, with their types.
_SUMS = {"cart_value": MONEY, "cart_items": "bigint", "cart_changed_at": "timestamp", "wishes": "bigint"}


def read_shop_versions(settings: Settings) -> dict[str, TableVersion]:
    """The present version of each table that has rows. The stream makes all tables, also those that the shop does not send."""
    tables = {name: open_table(settings, f"{SHOP}/{name}") for name in ACCOUNT_TABLES}
    return {name: version_of(table) for name, table in tables.items() if table and table.count()}


def read_accounts(spark: SparkSession, settings: Settings, versions: Mapping[str, TableVersion]) -> DataFrame | None:
    """The accounts in these versions of the shop's tables; None if the shop sends no customers."""
    return build_accounts({name: read_shop_table(spark, settings, name, table.version) for name, table in versions.items()})


def build_accounts(shop: Mapping[str, DataFrame]) -> DataFrame | None:
    """Columns of `customers`, and the sums: 0 for a customer without an open cart or a wish, null if the shop sends no carts or
    no wishlists."""
    if "customers" not in shop:
        return None
    accounts = shop["customers"].select(CUSTOMER_ID, "signed_up_at", "city", "marketing_consent")
    if shop.keys() >= _CART_TABLES:
        accounts = accounts.join(_sum_open_carts(shop), CUSTOMER_ID, "left").fillna(0, ["cart_value", "cart_items"])
    if "wishlists" in shop:
        accounts = accounts.join(_count_wishes(shop["wishlists"]), CUSTOMER_ID, "left").fillna(0, ["wishes"])
    return accounts.withColumns({name: F.lit(None).cast(kind) for name, kind in _SUMS.items() if name not in accounts.columns})


def _sum_open_carts(shop: Mapping[str, DataFrame]) -> DataFrame:
    lines = shop["cart_items"].join(shop["products"], "product_id", "left").groupBy("cart_id")
    sums = lines.agg(F.sum("quantity").alias("items"), F.sum(F.col("quantity") * F.col("price")).alias("value"))
    carts = shop["carts"].where("status = 'open'").join(sums, "cart_id", "left").groupBy(CUSTOMER_ID)
    return carts.agg(
        F.least(F.coalesce(F.sum("value"), F.lit(0)), F.lit(MOST_MONEY)).cast(MONEY).alias("cart_value"),
        F.sum("items").alias("cart_items"),
        F.max("updated_at").alias("cart_changed_at"),
    )


def _count_wishes(wishlists: DataFrame) -> DataFrame:
    return wishlists.groupBy(CUSTOMER_ID).agg(F.count_distinct("product_id").alias("wishes"))
