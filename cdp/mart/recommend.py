"""Recommendations in Postgres: what was published, what was shown and clicked, and what came of it."""

from __future__ import annotations

from functools import partial

from cdp.mart.table import Column, Table

SCHEMA = "recommend"
_table = partial(Table, schema=SCHEMA)

VERSION = _table(
    "version",
    "a trained version of the models, with its evaluation",
    (
        Column("version", "text"),
        Column("day", "date", "the last day that it has learned"),
        Column("trained_at", "time"),
        Column("seconds", "integer", "that the training took"),
        Column("evaluated_at", "time", required=False),
        Column("promoted", "boolean", "whether the gate let it pass", default="false"),
        Column("evaluation", "json", "as evaluation.json", required=False),
        Column("run_url", "text", "its run in MLflow; empty until it is registered", default="''"),
    ),
    key=("version",),
)
PUBLICATION = _table(
    "publication",
    "lists of all customers that were made from one day's features and written to Redis and HDFS",
    (
        Column("publication", "text"),
        Column("day", "date", "the last day that it knows"),
        Column("version", "text", "of the models; empty if only popular products are served"),
        Column("for_you", "text", "the model of the lists for customers"),
        Column("goes_with", "text", "the model of the lists for products"),
        Column("published_at", "time"),
        Column("seconds", "integer", "that it took"),
        Column("customers", "long", "with a full list"),
        Column("products", "long", "known to it"),
        Column("listed_products", "long", "in the first ten places of any customer"),
        Column("lake_version", "long", "of the Delta table `recommendations`"),
    ),
    key=("publication",),
    indexes=("published_at",),
)
EXPOSURE = _table(
    "exposure",
    "a list that was served",
    (
        Column("exposure_id", "text"),
        Column("served_at", "time"),
        Column("customer_id", "text", "empty for a stranger"),
        Column("place", "text"),
        Column("list_name", "text"),
        Column("experiment", "text", "empty: none"),
        Column("arm", "text"),
        Column("publication", "text"),
        Column("source", "text", "how the list was made"),
        Column("products", "json", "the first place first"),
    ),
    key=("exposure_id",),
    indexes=("served_at", "experiment, customer_id"),
)
SEEN = _table(
    "seen",
    "a list that a person saw; the row may come before that of the exposure",
    (Column("exposure_id", "text"), Column("seen_at", "time", "the first time")),
    key=("exposure_id",),
    indexes=("seen_at",),
)
CLICK = _table(
    "click",
    "a product of a list that a person clicked; counted once",
    (Column("exposure_id", "text"), Column("product_id", "text"), Column("clicked_at", "time", "the first time")),
    key=("exposure_id", "product_id"),
    indexes=("clicked_at",),
)
PROGRESS = _table(
    "progress",
    "how far rec.exposures was read: one row",
    (
        Column("topic", "text"),
        Column("topic_id", "text", "Kafka's id of the topic; a new topic of the same name has another"),
        Column("offsets", "json", "by partition: the offset of the next message"),
        Column("batch", "long"),
        Column("received", "long", "messages"),
        Column("refused", "long", "messages that can't be used"),
        Column("last_refusal", "text", "where the last of them is and what is wrong with it; empty: none was refused"),
        Column("written_at", "time"),
    ),
    key=("topic",),
)
RESULT_DAY = _table(
    "result_day",
    "what lists of a day led to; orders are attributed to the last click on the product within the window",
    (
        Column("day", "date", "of the exposure"),
        Column("place", "text"),
        Column("list_name", "text"),
        Column("source", "text"),
        Column("experiment", "text"),
        Column("arm", "text"),
        Column("served", "long"),
        Column("seen", "long"),
        Column("clicked", "long", "seen lists with a click"),
        Column("customers", "long", "who saw a list"),
        Column("lines", "long", "lines of orders that follow a click"),
        Column("revenue", "money", "of these lines"),
    ),
    key=("day", "place", "list_name", "source", "experiment", "arm"),
)
RESULT_SHOP = _table(
    "result_shop",
    "the whole shop on a day, beside which the results are shown",
    (Column("day", "date"), Column("customers", "long", "with an event"), Column("lines", "long"), Column("revenue", "money")),
    key=("day",),
)
RESULT_ARM = _table(
    "result_arm",
    "an experiment from its start to the end of a day: sums over the customers of an arm who saw a list, from which means and"
    " intervals follow",
    (
        Column("experiment", "text"),
        Column("arm", "text"),
        Column("day", "date"),
        Column("assigned", "long", "customers of the arm with a list, seen or not"),
        Column("customers", "long", "who saw a list"),
        Column("seen", "large number", "sum over the customers of lists seen"),
        Column("seen_squares", "large number"),
        Column("clicked", "large number", "sum of lists with a click"),
        Column("clicked_squares", "large number"),
        Column("seen_clicked", "large number", "sum of the products of both"),
        Column("buyers", "long", "customers with an order after the first list that they saw"),
        Column("revenue", "large number", "sum over the customers of the value of these orders"),
        Column("revenue_squares", "large number"),
    ),
    key=("experiment", "arm", "day"),
)
LATENCY = _table(
    "latency",
    "answers of the API in a minute",
    (
        Column("minute", "time"),
        Column("process", "text", "of the API"),
        Column("place", "text"),
        Column("source", "text"),
        Column("answers", "long"),
        Column("stale", "long", "answered without Redis"),
        Column("errors", "long", "answers with a status of 500 or more"),
        Column("buckets", "json", "answers by upper bound in milliseconds"),
    ),
    key=("minute", "process", "place", "source"),
)
RECOMMEND_TABLES = (
    VERSION, PUBLICATION, EXPOSURE, SEEN, CLICK, PROGRESS, RESULT_DAY, RESULT_SHOP, RESULT_ARM, LATENCY,
)  # fmt: skip
