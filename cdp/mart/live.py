"""The numbers of the stream "live", in Postgres. All of them are sums of minutes, so that a window of any length is a sum over
its minutes. The stream adds each event once, in one transaction with the row of its progress; cdp/mart/live_windows.py reads."""

from __future__ import annotations

from functools import partial

from cdp.mart.table import Column, Table

SCHEMA = "live"
_table = partial(Table, schema=SCHEMA)
_MINUTE = Column("minute", "time", "its beginning, by the time of the events")
_COUNTS = (
    Column("views", "long"),
    Column("carts", "long"),
    Column("removals", "long"),
    Column("purchases", "long", "lines of orders"),
    Column("units", "long"),
    Column("gross", "money", "value of the purchases"),
    Column("refunds", "money", "money refunded; revenue is gross minus refunds"),
)

MINUTE = _table("minute", "all events of a minute", (_MINUTE, Column("orders", "long"), *_COUNTS), key=("minute",))
PRODUCT_MINUTE = _table(
    "product_minute",
    "a product in a minute",
    (
        _MINUTE,
        Column("product_id", "text"),
        Column("category_code", "text", "empty if the events have none"),
        Column("brand", "text", "empty if the events have none"),
        *_COUNTS,
    ),
    key=("minute", "product_id", "category_code", "brand"),
)
CUSTOMER_MINUTE = _table(
    "customer_minute",
    "a customer in a minute: visitors and the funnel are counted from these rows",
    (_MINUTE, Column("customer_id", "text"), *_COUNTS),
    key=("minute", "customer_id"),
)
INTEREST_MINUTE = _table(
    "interest_minute",
    "what a customer was interested in within a minute: the stream adds it up here and writes the sums to Redis",
    (
        _MINUTE,
        Column("customer_id", "text"),
        Column("product_id", "text"),
        Column("category_code", "text", "empty if the events have none"),
        Column("brand", "text", "empty if the events have none"),
        Column("strength", "long"),
    ),
    key=("minute", "customer_id", "product_id", "category_code", "brand"),
)
ORDER = _table(
    "orders",
    "an order with its lines that have come; orders are kept for 31 days, so fraud rules can be tried on them",
    (
        Column("order_id", "text", "of the events; the id of the event if it names no order"),
        Column("customer_id", "text"),
        Column("ordered_at", "time", "time of its first event"),
        Column("lines", "long"),
        Column("units", "long"),
        Column("amount", "money"),
        Column("products", "json", "the product ids, sorted"),
        Column("written_at", "time", "when the stream wrote the row"),
    ),
    key=("order_id", "customer_id"),
    indexes=("ordered_at", "customer_id, ordered_at, order_id", "written_at", "jsonb_hash_extended(products, 0), ordered_at"),
)
PROGRESS = _table(
    "progress",
    "how far the stream has come: one row",
    (
        Column("stream", "text", "its name"),
        Column("batch", "long", "the last batch that these tables hold"),
        Column("topic_id", "text", "Kafka's id of the topic; a new topic of the same name has another"),
        Column("offsets", "json", "by partition: the offset of the first message that is not counted yet"),
        Column("written_at", "time", "when the last batch was written"),
        Column("newest_event", "time", "time of the newest event", required=False),
        Column("received", "long", "messages, each once"),
        Column("late", "long", "events that came ten minutes or more after a newer one; not counted in any window"),
        Column("old", "long", "events received more than a day after their time; not counted in any window"),
        Column("ahead", "long", "events received more than a minute before their time; not counted in any window"),
        Column("refused", "long", "messages that do not fit the contract"),
        Column("repeated", "long", "events with an id that had come before"),
    ),
    key=("stream",),
)
ALERT = _table(
    "alert",
    "what a fraud rule has found; written once, the site adds the rest",
    (
        Column("alert_id", "long", default="nextval('live.alert_id')"),
        Column("rule_id", "long", "the site's id of the rule"),
        Column("subject", "text", "what makes the alert unique within its rule, such as an order"),
        Column("customer_id", "text"),
        Column("happened_at", "time", "time of the event that fulfilled the rule"),
        Column("found_at", "time", "when the stream wrote the alert"),
        Column("evidence", "json", "the rule's values, the orders and payments that fulfil it"),
    ),
    key=("rule_id", "subject"),
    indexes=("alert_id", "found_at", "customer_id"),
)

FRAUD_POSITION = _table(
    "fraud_position",
    "how far the fraud rules were evaluated: the newest row that was read",
    (Column("source", "text", "a table"), Column("position", "time", "when its newest row was written")),
    key=("source",),
)

LIVE_TABLES = (MINUTE, PRODUCT_MINUTE, CUSTOMER_MINUTE, INTEREST_MINUTE, ORDER, PROGRESS, ALERT, FRAUD_POSITION)
#: Created before the tables, in this order.
LIVE_SEQUENCES = ("CREATE SEQUENCE IF NOT EXISTS live.alert_id",)
