"""The tables on HDFS, with their writers, and where they are."""

from __future__ import annotations

from cdp.settings import Settings

EVENTS = "events"  # streaming: every good event once, partitioned by event_day
QUARANTINE = "quarantine"  # streaming: every refused message with its reason
CUSTOMER_DAY = "customer_day"  # batch: one row per customer and day
INTERACTIONS = "interactions"  # batch: one row per customer, hour, event type, product and price
CUSTOMERS = "customers"  # batch: the profile snapshot, one version per published day
COMPACTIONS = "compactions"  # batch: one row per compaction and day of events, with the copies it dropped
EXPOSURES = "exposures"  # streaming: one row per message of rec.exposures, partitioned by day
CUSTOMER_FEATURES = "customer_features"  # batch: what recommendations know of each customer, one version per publication
PRODUCT_FEATURES = "product_features"  # batch: the same of each product
RECOMMENDATIONS = "recommendations"  # batch: the list of each customer, one row per place, one version per publication

TABLES = (
    EVENTS, QUARANTINE, CUSTOMER_DAY, INTERACTIONS, CUSTOMERS, COMPACTIONS,
    EXPOSURES, CUSTOMER_FEATURES, PRODUCT_FEATURES, RECOMMENDATIONS,
)  # fmt: skip


#: Folder of the tables that mirror the shop's database, one for each of its tables.
SHOP = "shop"


def table_url(settings: Settings, table: str) -> str:
    """The full address of a table. A table of the shop is named shop/TABLE."""
    if table not in TABLES and not table.startswith(f"{SHOP}/"):
        raise ValueError(f"{table!r} is not a table; the tables are {', '.join(TABLES)}.")
    return f"{settings.hdfs_url}{settings.hdfs_root}/{table}"


def checkpoint_url(settings: Settings, query: str) -> str:
    """Where a stream keeps its position."""
    return f"{settings.hdfs_url}{settings.hdfs_root}/_checkpoints/{query}"
