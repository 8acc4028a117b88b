"""The platform's tables in Postgres: the night's and the stream's. Those of the charts stand in cdp/chart_tables.py.

Django's own tables are not here; they live in the schema `public`, these in `mart`.
"""

from __future__ import annotations

from cdp.chart_tables import CHART_TABLES, COUNT_COLUMNS, GROSS_REVENUE, PRODUCT_DAY, REVENUE
from cdp.events import COUNTS
from cdp.table import SCHEMA, Column, Replaced, Table, add_column, create_table, merge_partitions, sums

#: A row a customer and day; the same columns in the Delta table of that name.
CUSTOMER_DAY = Table(
    "customer_day",
    "what one customer did on one day",
    (
        Column("day", "date"),
        Column("customer_id", "text"),
        Column("first_time", "time", "first event of the day"),
        Column("last_time", "time", "last event of the day"),
        Column(
            "sessions", "integer", "distinct sessions; events without one count as one more; a refund is no visit and makes none"
        ),
        *COUNT_COLUMNS,
        Column("orders", "integer", "distinct orders with a purchase on this day"),
        Column("items", "integer", "units bought"),
        GROSS_REVENUE,
        REVENUE,
        Column("min_order_value", "money", "smallest order of the day, as it was placed", required=False),
        Column("max_order_value", "money", "largest order of the day, as it was placed", required=False),
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
        Column("customers", "integer", "customers with an event; a refund is one"),
        Column("new_customers", "integer", "customers whose first event is of this day"),
        Column("buyers", "integer", "customers with an order"),
        Column("sessions", "integer", "of its customers; a refund makes none"),
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

#: Written last, in the transaction that swaps the rest: it flips what readers see. The one that serves has the greatest id.
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
        Column("checks", "json", "what the gate found: name, state, sentence; who accepted what, and why", default="'[]'"),
        Column(
            "events_table", "text", "id of the Delta table events: that of another table says nothing of versions", default="''"
        ),
    ),
    key=("id",),
)

#: The snapshot that serves is the publication's. These are of days that no night published: ./run night --from --to --every week.
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

#: One night, written at its begin, at each step and at its end, in transactions of its own: what a killed night leaves.
#: cdp/nights.py says how it is read.
NIGHT_RUN = Table(
    "night_run",
    "one try to publish a day, and what became of it",
    (
        Column("id", "long"),
        Column("day", "date"),
        Column("begun_at", "time"),
        Column("ended_at", "time", required=False),
        Column("state", "text", "running, published, needless, failed or cut off"),
        Column("step", "text", "the last one that was begun", required=False),
        Column("reason", "text", "why it failed", required=False),
        Column("seconds", "json", "how long each step took that ended"),
        Column("checks", "json", "as in the publication"),
        Column("accepted", "json", "the checks that were to be accepted: by whom, when and why"),
        Column("publication", "long", "the one that it published, or was about to", required=False),
        Column("host", "text"),
        Column("pid", "integer"),
        Column("backend", "integer", "process of Postgres that held the lock of the night for it"),
    ),
    key=("id",),
)

#: What became of the messages; the last thing that a batch of the stream writes. `stream` tells the batches of one stream from
#: those of another with its own checkpoint.
STREAM_LEDGER = Table(
    "stream_ledger",
    "what became of the messages of one batch that were received in one hour",
    (
        Column("stream", "text"),
        Column("batch", "long"),
        Column("topic", "text"),
        Column("hour", "time", "hour of receipt, by Kafka's clock"),
        Column("received", "long"),
        Column("good", "long"),
        Column("quarantined", "long"),
        Column("reasons", "json", "quarantined by reason"),
        Column("late", "json", "good by days from the event to its receipt"),
        Column("partitions", "json", "by partition of Kafka: first and last offset of a message, and how many there are"),
    ),
    key=("stream", "batch", "topic", "hour"),
)

#: Written in one transaction with the hours of the batch. What a batch took from Kafka is more than its first and last message:
#: the marks of transactions have offsets too, and only the whole range shows that nothing lies between two batches.
STREAM_BATCH = Table(
    "stream_batch",
    "one batch of the stream, and which offsets it took",
    (
        Column("stream", "text"),
        Column("batch", "long"),
        Column("topic", "text"),
        Column("topic_id", "text", "Kafka's id of the topic: another one of the same name has another"),
        Column("received", "long"),
        Column("offsets", "json", "by partition: from (included), until (not included), count of messages"),
        Column("milliseconds", "long", "how long the batch took until here"),
        Column("written_at", "time"),
    ),
    key=("stream", "batch"),
)

TABLES = (CUSTOMER_DAY, KPI_DAY, *CHART_TABLES, PUBLICATION, PAST_SNAPSHOT, NIGHT_RUN, STREAM_LEDGER, STREAM_BATCH)
#: Any number, as long as nobody else in this database takes it.
SCHEMA_LOCK = 7_301_000


def replaced(what: Replaced) -> tuple[Table, ...]:
    """The tables of which a publication replaces this."""
    return tuple(table for table in TABLES if table.replaced == what)


def create_statements() -> list[str]:
    """Statements that make schema, tables and later columns where they are missing, in one transaction. Night and stream may
    both be the first, at the same moment: IF NOT EXISTS alone fails then."""
    lock = f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})"
    columns = [add_column(table, column) for table in TABLES for column in table.columns if column.default]
    plain = [merge_partitions(table) for table in (CUSTOMER_DAY, PRODUCT_DAY)]
    return [lock, f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}", *(create_table(table) for table in TABLES), *columns, *plain]
