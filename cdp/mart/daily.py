"""The platform's Postgres tables of the night and the stream. Chart tables are in cdp/mart/charts.py.

These tables are in the schema `mart`, those of cdp/mart/shop.py and cdp/mart/live.py in `shop` and `live`. Django's own tables
are not here; they are in the schema `public`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cdp.events import COUNTS
from cdp.mart.charts import CHART_TABLES, COUNT_COLUMNS, GROSS_REVENUE, PRODUCT_DAY, REVENUE
from cdp.mart.live import ALERT, LIVE_SEQUENCES, LIVE_TABLES
from cdp.mart.recommend import RECOMMEND_TABLES
from cdp.mart.segment_jobs import SEGMENT_TABLES
from cdp.mart.shop import SHOP_TABLES
from cdp.mart.table import Column, Replaced, Table, add_column, create_indexes, create_table, merge_partitions, sums

#: One row per customer and day; the Delta table of that name has the same columns.
CUSTOMER_DAY = Table(
    "customer_day",
    "what one customer did on one day",
    (
        Column("day", "date"),
        Column("customer_id", "text"),
        Column("first_time", "time", "first event of the day"),
        Column("last_time", "time", "last event of the day"),
        Column("sessions", "integer", "distinct sessions; all events without a session count as one more; refunds make none"),
        *COUNT_COLUMNS,
        Column("orders", "integer", "distinct orders with a purchase on this day"),
        Column("items", "integer", "units bought"),
        GROSS_REVENUE,
        REVENUE,
        Column("min_order_value", "money", "value of the smallest order of the day, before refunds", required=False),
        Column("max_order_value", "money", "value of the largest order of the day, before refunds", required=False),
    ),
    key=("day", "customer_id"),
    replaced="restated days",
    agrees=(("customers", "count(*)"), *sums("sessions", *COUNTS.values(), "orders", "items", "gross_revenue", "revenue")),
)

KPI_DAY = Table(
    "kpi_day",
    "what the shop did on one day",
    (
        Column("day", "date"),
        Column("events", "long"),
        Column("customers", "integer", "customers with an event, refunds included"),
        Column("new_customers", "integer", "customers whose first event is on this day"),
        Column("buyers", "integer", "customers with an order"),
        Column("sessions", "integer", "sessions of its customers; refunds make none"),
        Column("sessions_with_view", "integer", "first step of the funnel"),
        Column("sessions_with_cart", "integer", "second step: a view and a cart"),
        Column("sessions_with_purchase", "integer", "third step: a purchase"),
        *COUNT_COLUMNS,
        Column("orders", "integer"),
        Column("items", "integer", "units bought"),
        GROSS_REVENUE,
        REVENUE,
    ),
    key=("day",),
)

#: Written last, in the transaction that swaps the other tables: it switches readers over. The row with the greatest id serves.
PUBLICATION = Table(
    "publication",
    "one published state of all stores",
    (
        Column("id", "long"),
        Column("day", "date", "the published day; metrics are as of its end"),
        Column("published_at", "time"),
        Column("customers_version", "long", "version of the Delta table customers"),
        Column("events_version", "long", "version of the Delta table events it was computed from"),
        Column("profiles_collection", "text", "MongoDB collection that holds its profiles"),
        Column("counts", "json", "customers, events, days restated"),
        Column("seconds", "json", "how long each step took"),
        Column("checks", "json", "results of the gate: name, state, sentence; who accepted what, and why", default="'[]'"),
        Column(
            "events_table", "text", "id of the Delta table events; versions of different tables are not comparable", default="''"
        ),
        Column("interactions_version", "long", "version of the Delta table interactions; -1 is unknown", default="-1"),
        Column(
            "shop_versions", "json", "id and version of each Delta table of the shop's database that was read", default="'{}'"
        ),
    ),
    key=("id",),
)

#: Snapshots of past days that no night published: ./run night --from --to --every week. The publication has the serving one.
PAST_SNAPSHOT = Table(
    "past_snapshot",
    "the customers as of one past day that no night published",
    (
        Column("day", "date"),
        Column("customers_version", "long", "version of the Delta table customers"),
        Column("events_table", "text", "id of the Delta table events"),
        Column("events_version", "long", "version of the Delta table events it was computed from"),
        Column("definition", "text", "a hash of how the metrics were computed"),
        Column("customers", "long"),
        Column("made_at", "time"),
    ),
    key=("day",),
)

#: One night, written at its start, at each step and at its end in transactions of its own, so it survives a killed night.
#: cdp/mart/nights.py reads it.
NIGHT_RUN = Table(
    "night_run",
    "one attempt to publish a day, and its outcome",
    (
        Column("id", "long"),
        Column("day", "date"),
        Column("begun_at", "time"),
        Column("ended_at", "time", required=False),
        Column("state", "text", "running, published, needless, failed or cut off"),
        Column("step", "text", "the last step that started", required=False),
        Column("reason", "text", "why it failed", required=False),
        Column("seconds", "json", "how long each finished step took"),
        Column("checks", "json", "as in the publication"),
        Column("accepted", "json", "the checks accepted in advance: by whom, when and why"),
        Column("publication", "long", "the publication that it made, or was about to make", required=False),
        Column("host", "text"),
        Column("pid", "integer"),
        Column("backend", "integer", "Postgres process that held the night lock for it"),
    ),
    key=("id",),
)

#: Outcome of the messages; the last thing that a batch of the stream writes. `stream` separates the batches of streams with
#: different checkpoints.
STREAM_LEDGER = Table(
    "stream_ledger",
    "outcome of the messages of one batch that were received in one hour",
    (
        Column("stream", "text"),
        Column("batch", "long"),
        Column("topic", "text"),
        Column("hour", "time", "hour of receipt, by Kafka's clock"),
        Column("received", "long"),
        Column("good", "long"),
        Column("quarantined", "long"),
        Column("reasons", "json", "quarantined by reason"),
        Column("late", "json", "good by days between the event and its receipt"),
        Column("partitions", "json", "by Kafka partition: first and last offset of a message, and the number of messages"),
    ),
    key=("stream", "batch", "topic", "hour"),
)

#: Written in one transaction with the batch's rows in the ledger. A batch takes more from Kafka than its first to last message:
#: transaction markers have offsets too, and only the whole range shows that no message is missing between two batches.
STREAM_BATCH = Table(
    "stream_batch",
    "one batch of the stream and the offsets it took",
    (
        Column("stream", "text"),
        Column("batch", "long"),
        Column("topic", "text"),
        Column("topic_id", "text", "Kafka's id of the topic; a new topic of the same name has another"),
        Column("received", "long"),
        Column("offsets", "json", "by partition: from (included), until (not included), count of messages"),
        Column("milliseconds", "long", "how long the batch took until this row"),
        Column("written_at", "time"),
    ),
    key=("stream", "batch"),
)

#: The last batch of each stream, for a FROM clause. The table has millions of rows, so this jumps from stream to stream in the
#: primary key.
LAST_BATCHES = f"""(
    WITH RECURSIVE streams (id) AS (
        SELECT min(stream) FROM {STREAM_BATCH.full_name}
        UNION ALL SELECT (SELECT min(stream) FROM {STREAM_BATCH.full_name} WHERE stream > id) FROM streams WHERE id IS NOT NULL)
    SELECT batch.* FROM streams,
        LATERAL (SELECT * FROM {STREAM_BATCH.full_name} WHERE stream = id ORDER BY batch DESC LIMIT 1) batch) last_batches"""


def parse_next_offsets(offsets: Mapping[str, Mapping[str, int]]) -> dict[int, int]:
    """Where each partition is read next, from the column `offsets` of a batch."""
    return {int(number): read["until"] for number, read in offsets.items()}


TABLES = (
    CUSTOMER_DAY, KPI_DAY, *CHART_TABLES, PUBLICATION, PAST_SNAPSHOT, NIGHT_RUN, STREAM_LEDGER, STREAM_BATCH, *SEGMENT_TABLES,
    *SHOP_TABLES, *LIVE_TABLES, *RECOMMEND_TABLES,
)  # fmt: skip
#: Any number that no other lock in this database uses.
SCHEMA_LOCK = 7_301_000


def replaced(what: Replaced) -> tuple[Table, ...]:
    """The tables that a publication replaces in this way."""
    return tuple(table for table in TABLES if table.replaced == what)


def create_statements(tables: Sequence[Table] = TABLES) -> list[str]:
    """Statements that create missing tables and columns, for one transaction. The lock is for a night and a stream that both
    start first at the same moment: IF NOT EXISTS alone fails then."""
    lock = f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})"
    columns = [add_column(table, column) for table in tables for column in table.columns if column.default]
    plain = [merge_partitions(table) for table in (CUSTOMER_DAY, PRODUCT_DAY) if table in tables]
    schemas = [f"CREATE SCHEMA IF NOT EXISTS {schema}" for schema in dict.fromkeys(table.schema for table in tables)]
    sequences = LIVE_SEQUENCES if ALERT in tables else ()
    indexes = [index for table in tables for index in create_indexes(table)]
    return [lock, *schemas, *sequences, *(create_table(table) for table in tables), *columns, *plain, *indexes]
