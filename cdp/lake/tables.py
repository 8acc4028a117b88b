"""The columns of the Delta tables whose schema is fixed. The columns of `customer_day` are those of its Postgres table
(cdp/mart/daily.py), and the columns of `customers` follow from the metrics (cdp/metrics/)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cdp.kinds import MONEY, PRICE
from cdp.lake.paths import (
    COMPACTIONS,
    CUSTOMER_FEATURES,
    EVENTS,
    EXPOSURES,
    INTERACTIONS,
    PRODUCT_FEATURES,
    QUARANTINE,
    RECOMMENDATIONS,
)

#: Days that a table's log keeps each commit. A stream makes thousands of commits a day in one folder, and every reader and writer
#: lists the whole folder. A night asks the log what was added since the night before (batch/hdfs/changes.py).
LOG_DAYS = 7


@dataclass(frozen=True, slots=True)
class LakeTable:
    """A Delta table: each column with its type in Spark's DDL."""

    name: str
    columns: Mapping[str, str] = field(hash=False)
    partition: str = ""
    #: Columns with statistics. They cost time at each write, and the minimum and maximum of a text are useless here.
    statistics: str = ""
    #: The columns that identify a row of a table which mirrors one of the shop's. Such a table may have more columns than these.
    key: tuple[str, ...] = ()

    @property
    def column_names(self) -> list[str]:
        return list(self.columns)

    @property
    def ddl(self) -> str:
        return ", ".join(f"{name} {kind}" for name, kind in self.columns.items())

    @property
    def properties(self) -> Mapping[str, str]:
        return {
            "delta.dataSkippingStatsColumns": self.statistics,
            "delta.logRetentionDuration": f"interval {LOG_DAYS} days",
        }


_ORIGIN = {"kafka_topic": "string", "kafka_partition": "int", "kafka_offset": "bigint"}

#: One row per event, written by the stream.
EVENTS_TABLE = LakeTable(
    EVENTS,
    {
        "event_id": "string", "event_day": "date", "event_time": "timestamp", "event_type": "string",
        "product_id": "string", "category_id": "string", "category_code": "string",
        "category_1": "string", "category_2": "string", "category_3": "string", "brand": "string",
        "price": PRICE, "quantity": "int", "amount": MONEY, "revenue": MONEY,
        "user_id": "string", "anonymous_id": "string", "user_session": "string", "order_id": "string",
        "source": "string", "extra": "string", "received_at": "timestamp", **_ORIGIN,
    },
    partition="event_day",
    statistics="event_time,received_at",
)  # fmt: skip

#: Null while a message waits. A replay claims the row by its own id, and records the repair and when the row became an event.
REPLAY_COLUMNS = {"replay_id": "string", "replayed_at": "timestamp", "replayed_how": "string"}

#: One row per refused message, written by the stream.
QUARANTINE_TABLE = LakeTable(
    QUARANTINE,
    {
        "reason": "string", "field": "string", "detail": "string", "payload": "binary",
        "received_day": "date", "received_at": "timestamp", **_ORIGIN, **REPLAY_COLUMNS,
    },
    partition="received_day",
    statistics="received_at",
)  # fmt: skip

STREAM_TABLES = (EVENTS_TABLE, QUARANTINE_TABLE)

#: One row per customer, hour, event type and product with its categories, brand and price, written by the night, which adds the
#: month. The night sets no `statistics`, so Delta keeps them for every column, and readers skip files by `day`.
INTERACTIONS_TABLE = LakeTable(
    INTERACTIONS,
    {
        "day": "date", "hour": "int", "customer_id": "string", "event_type": "string",
        "product_id": "string", "category_1": "string", "category_2": "string", "category_3": "string", "brand": "string",
        "price": PRICE, "events": "bigint", "quantity": "bigint", "money": MONEY,
    },
)  # fmt: skip

#: One row per compaction and day of the events, written by the night.
COMPACTIONS_TABLE = LakeTable(
    COMPACTIONS,
    {
        "table_id": "string", "version": "bigint", "day": "date", "at": "timestamp",
        "files_before": "int", "files_after": "int", "dropped": "bigint", "paths": "array<string>",
    },
)  # fmt: skip

#: One row per message of rec.exposures, written by the stream "exposures".
EXPOSURES_TABLE = LakeTable(
    EXPOSURES,
    {
        "day": "date", "kind": "string", "exposure_id": "string", "at": "timestamp", "product_id": "string",
        "customer_id": "string", "place": "string", "list_name": "string", "experiment": "string", "arm": "string",
        "publication": "string", "source": "string", "products": "array<string>", **_ORIGIN,
    },
    partition="day",
    statistics="at",
)  # fmt: skip

#: The features that a publication of recommendations also writes to Redis; products by id, the latest first.
CUSTOMER_FEATURES_TABLE = LakeTable(
    CUSTOMER_FEATURES,
    {
        "publication": "string", "customer_id": "string", "products": "array<string>", "strengths": "array<float>",
        "bought": "array<string>",
    },
    statistics="publication",
)  # fmt: skip
PRODUCT_FEATURES_TABLE = LakeTable(
    PRODUCT_FEATURES,
    {
        "publication": "string", "product_id": "string", "category": "string", "brand": "string", "price": PRICE,
        "price_band": "int", "popularity_7": "float", "popularity_28": "float",
    },
    statistics="publication",
)  # fmt: skip
#: A row per customer and place in the list. `category` is the code of the product's category.
RECOMMENDATIONS_TABLE = LakeTable(
    RECOMMENDATIONS,
    {"publication": "string", "customer_id": "string", "place": "int", "product_id": "string", "category": "string"},
    statistics="publication",
)
RECOMMEND_TABLES = (EXPOSURES_TABLE, CUSTOMER_FEATURES_TABLE, PRODUCT_FEATURES_TABLE, RECOMMENDATIONS_TABLE)
