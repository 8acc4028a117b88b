"""What the stream "shop" knows of the shop's database, in Postgres: names for pages and rules, the orders from which it makes
events, and its own records. All columns of all tables are on HDFS (/cdp/shop); a row here has what must be found by its key in
milliseconds."""

from __future__ import annotations

from functools import partial

from cdp.mart.table import Column, Table

SCHEMA = "shop"
_table = partial(Table, schema=SCHEMA)
#: A later batch has a greater number, also after the stream was restarted from Kafka's earliest messages.
_BATCH = Column("batch", "long", "number of the batch that wrote the row last")

CUSTOMER = _table(
    "customer",
    "a customer; personal data, for roles that may see it",
    (
        Column("customer_id", "text"),
        Column("name", "text", required=False),
        Column("email", "text", required=False),
        Column("city", "text", required=False),
        Column("marketing_consent", "boolean", required=False),
        Column("signed_up_at", "time", required=False),
        Column("changed_at", "time", "when the stream wrote the row", default="now()"),
        _BATCH,
    ),
    key=("customer_id",),
    indexes=("lower(name) text_pattern_ops", "lower(email) text_pattern_ops", "changed_at"),
)
CATEGORY = _table(
    "category",
    "a category; `code` is the category code of events",
    (
        Column("category_id", "text"),
        Column("parent_id", "text", required=False),
        Column("code", "text", required=False),
        Column("name", "text", required=False),
        _BATCH,
    ),
    key=("category_id",),
    indexes=("code",),
)
PRODUCT = _table(
    "product",
    "a product",
    (
        Column("product_id", "text"),
        Column("category_id", "text", required=False),
        Column("name", "text", required=False),
        Column("brand", "text", required=False),
        Column("price", "money", required=False),
        Column("stock", "long", required=False),
        Column("active", "boolean", required=False),
        _BATCH,
    ),
    key=("product_id",),
    indexes=("lower(name) text_pattern_ops",),
)
ORDER = _table(
    "orders",
    "an order with its present status",
    (
        Column("order_id", "text"),
        Column("customer_id", "text"),
        Column("status", "text"),
        Column("total", "money", required=False),
        Column("currency", "text", required=False),
        Column("placed_at", "time", required=False),
        Column("paid_at", "time", "the first time that the status was `paid`", required=False),
        Column("changed_at", "time", "when the stream wrote the row"),
        _BATCH,
    ),
    key=("order_id",),
    indexes=("customer_id", "changed_at"),
)
ORDER_ITEM = _table(
    "order_item",
    "a line of an order",
    (
        Column("order_id", "text"),
        Column("line", "integer"),
        Column("product_id", "text"),
        Column("quantity", "integer"),
        Column("unit_price", "money", required=False),
        Column("amount", "money", "money of the whole line, after discounts"),
        _BATCH,
    ),
    key=("order_id", "line"),
)
PAYMENT = _table(
    "payment",
    "an attempt to pay an order",
    (
        Column("payment_id", "text"),
        Column("order_id", "text"),
        Column("attempt", "integer", required=False),
        Column("method", "text", required=False),
        Column("amount", "money", required=False),
        Column("status", "text", "pending, captured or failed"),
        Column("failure", "text", required=False),
        Column("created_at", "time", required=False),
        Column("updated_at", "time", required=False),
        Column("changed_at", "time", "when the stream wrote the row"),
        _BATCH,
    ),
    key=("payment_id",),
    indexes=("order_id", "changed_at"),
)

REFUND = _table(
    "refund",
    "a line of an order that was given back, whole or in part",
    (
        Column("refund_id", "text"),
        Column("order_id", "text"),
        Column("line", "integer"),
        Column("quantity", "integer", required=False),
        Column("amount", "money"),
        Column("refunded_at", "time"),
        _BATCH,
    ),
    key=("refund_id",),
    indexes=("order_id",),
)
PAID = _table(
    "paid",
    "an order that was paid, known before or after the order itself",
    (Column("order_id", "text"), Column("paid_at", "time"), _BATCH),
    key=("order_id",),
)
WAITING = _table(
    "waiting",
    "a paid order with a line that has no event yet, because the row of its product or category has not come",
    (Column("order_id", "text"),),
    key=("order_id",),
)
SENT = _table(
    "sent",
    "an event that the stream makes of a paid line or a refund; it is sent to events.raw once, and never taken back",
    (
        Column("event_id", "text"),
        Column("event_type", "text", "purchase or refund"),
        Column("event", "json"),
        Column("stream", "text"),
        _BATCH,
    ),
    key=("event_id",),
    indexes=("batch",),
)
CHANGE = _table(
    "change",
    "the latest change of a row that is not in the table on HDFS yet",
    (
        Column("table_name", "text", "of the shop"),
        Column("row_key", "text", "the values of the key as JSON; empty: all rows of the table on HDFS are replaced"),
        Column("content", "text", "the row as JSON; none if it was deleted", required=False),
        _BATCH,
    ),
    key=("table_name", "row_key"),
    indexes=("batch",),
)
REFUSED = _table(
    "refused",
    "a message that the stream could not use",
    (
        Column("stream", "text"),
        Column("topic", "text"),
        Column("kafka_offset", "long"),
        Column("received_at", "time"),
        Column("reason", "text"),
        Column("detail", "text", "the column and its value, or what is wrong"),
        Column("message_key", "text", required=False),
        Column("payload", "text", required=False),
    ),
    key=("stream", "topic", "kafka_offset"),
)
#: One row for each stream and topic, changed by each batch that has messages of the topic.
READING = _table(
    "reading",
    "what the stream has read of a topic: received = applied + superseded + tombstones + refused",
    (
        Column("stream", "text", "its id; it changes when the stream starts from Kafka's earliest messages"),
        Column("topic", "text"),
        Column("topic_id", "text", "Kafka's id of the topic; a new topic of the same name has another"),
        Column("first_offset", "long"),
        Column("next_offset", "long"),
        Column("received", "long"),
        Column("applied", "long", "changes written, and heartbeats"),
        Column("superseded", "long", "followed in their batch by a newer change of the same row"),
        Column("tombstones", "long", "messages without a value, which follow deletions"),
        Column("refused", "long"),
        Column("snapshot_batch", "long", "the batch in which all rows began to come; none: they are complete", required=False),
        Column("stream_batch", "long", "number of the last batch, as Spark counts the stream's batches"),
        _BATCH,
        Column("newest_change", "time", "when the newest change of that batch was committed", required=False),
        Column("written_at", "time"),
    ),
    key=("stream", "topic"),
)

SHOP_TABLES = (CUSTOMER, CATEGORY, PRODUCT, ORDER, ORDER_ITEM, PAYMENT, REFUND, PAID, WAITING, SENT, CHANGE, REFUSED, READING)
#: The shop's table -> the table that has some of its columns.
MIRRORS = {
    "customers": CUSTOMER,
    "categories": CATEGORY,
    "products": PRODUCT,
    "orders": ORDER,
    "order_items": ORDER_ITEM,
    "payments": PAYMENT,
    "refunds": REFUND,
}
