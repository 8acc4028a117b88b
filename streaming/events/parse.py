"""The parser: turns Kafka messages into events and refusals. The stream, the replay and the tests all use it.

Pure column expressions over (value, topic, partition, offset, timestamp): no clock, no UDF, no IO. A message is a good
event or is refused for one reason; nothing is dropped. Fields are checked in the order of the contract. A replay may repair
the texts of fields before they are checked, and may use other bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.events import FIELDS
from cdp.events.fields import BOUNDS, IDENTITY, IDENTITY_LATER, Bounds
from cdp.kinds import MONEY
from cdp.lake.tables import EVENTS_TABLE, QUARANTINE_TABLE, REPLAY_COLUMNS
from streaming.events.values import VALUES, FieldCheck, clean_text, compute_unit_price, make_checks, make_product_checks

REFUSAL = "struct<reason: string, field: string, detail: string>"
#: JSON by the standard; Jackson's defaults accept more.
STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
LEVELS = 3

#: Field -> the function that repairs its text. The text is null if the message has none.
TextRepairs = Mapping[str, Callable[[Column], Column]]


def parse(messages: DataFrame, bounds: Bounds = BOUNDS, repairs: TextRepairs | None = None) -> DataFrame:
    """The columns of both tables side by side; `refusal` is null if the message is a good event."""
    steps: tuple[Callable[[DataFrame], DataFrame], ...] = (
        _with_object,
        partial(_with_texts, repairs=repairs or {}),
        partial(_with_values, bounds=bounds),
        partial(_with_refusal, bounds=bounds),
        _with_price,
        _with_id,
        _with_derived,
        _select_both_tables,
    )
    return reduce(lambda frame, step: frame.transform(step), steps, messages)


def select_events(parsed: DataFrame) -> DataFrame:
    return parsed.where(F.col("refusal").isNull()).select(*EVENTS_TABLE.column_names)


def select_refusals(parsed: DataFrame) -> DataFrame:
    replay_columns = [F.lit(None).cast(kind).alias(name) for name, kind in REPLAY_COLUMNS.items()]
    refusals = parsed.where(F.col("refusal").isNotNull()).select("*", "refusal.*", *replay_columns)
    return refusals.select(*QUARANTINE_TABLE.column_names)


def _with_object(messages: DataFrame) -> DataFrame:
    """Add the message as a map from key to text. It is null unless the message is exactly one JSON object in UTF-8."""
    text = F.col("value").cast("string")
    whole = F.is_valid_utf8(text) & _is_one_value(F.col("value"), text)
    return messages.select(
        F.col("value").alias("payload"),
        F.when(whole, text).alias("json"),
        F.when(whole, F.from_json(text, "map<string, string>", STRICT)).alias("object"),
        F.col("timestamp").alias("received_at"),
        F.to_date("timestamp").alias("received_day"),
        F.col("topic").alias("kafka_topic"),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
    )


def _is_one_value(value: Column, text: Column) -> Column:
    """Spark's reader stops after the first value and would accept `{…}{…}`. If the only closing bracket is the last character,
    nothing can follow it: that covers most messages without parsing them again. The test cuts bytes, because characters would
    have to be counted first."""
    before_last = F.substring(value, F.lit(1), F.octet_length(value) - 1).cast("string")
    flat = text.startswith("{") & text.endswith("}") & ~before_last.contains("}")
    return flat | _is_one_in_lists(text)


def _is_one_in_lists(text: Column) -> Column:
    """A text that itself closes the list gives both lists the same length, so it can't give 1 and 2."""
    alone = F.json_array_length(F.concat(F.lit("["), text, F.lit("]")))
    followed = F.json_array_length(F.concat(F.lit("["), text, F.lit(",0]")))
    return (alone == 1) & (followed == 2)


def _with_texts(frame: DataFrame, repairs: TextRepairs) -> DataFrame:
    """Add one text column per field, and drop the message's text and map: every later step would copy them."""
    has_escapes = F.contains("json", F.lit("\\"))
    texts = {field.name: clean_text(F.col("object")[field.name], has_escapes) for field in FIELDS}
    repaired = {name: repairs[name](text) if name in repairs else text for name, text in texts.items()}
    columns = {_text(name): text for name, text in repaired.items()}
    columns |= {"is_object": F.col("object").isNotNull(), "extra": _collect_extra()}
    return frame.withColumns(columns).drop("json", "object")


def _with_values(frame: DataFrame, bounds: Bounds) -> DataFrame:
    values = {field.name: VALUES[field.kind](F.col(_text(field.name)), bounds) for field in FIELDS}
    # An invalid text gives null here too; the default applies only if the message has no quantity.
    values["quantity"] = F.when(F.col(_text("quantity")).isNull(), F.lit(1)).otherwise(values["quantity"])
    values["brand"] = F.lower(values["brand"])
    return frame.withColumns(values)


def _with_refusal(frame: DataFrame, bounds: Bounds) -> DataFrame:
    refusals = [_make_refusal(~F.col("is_object"), "not_json", None, F.lit("it is not one JSON object"))]
    for field in FIELDS:
        field_checks = make_checks(field, _text_of, F.col("received_at"), bounds)
        refusals += [_refuse_for(field.name, check) for check in field_checks]
    refusals += [_refuse_for(field, check) for field, check in make_product_checks(_text_of).items()]
    return frame.withColumn("refusal", F.coalesce(*refusals))


def _refuse_for(field: str, check: FieldCheck) -> Column:
    return _make_refusal(check.fails, check.reason, field, check.detail)


def _make_refusal(fails: Column, reason: str, field: str | None, detail: Column) -> Column:
    return F.when(fails, F.struct(F.lit(reason), F.lit(field), detail).cast(REFUSAL))


def _with_price(frame: DataFrame) -> DataFrame:
    """If the price is missing, compute it from the amount."""
    return frame.withColumn("price", F.coalesce("price", compute_unit_price(F.col("amount"), F.col("quantity"))))


def _with_id(frame: DataFrame) -> DataFrame:
    """The message's own id, or 128 bits of a hash over the normalised values."""
    parts = [
        _make_part(F.unix_micros("event_time") if name == "event_time" else F.col(name), name in IDENTITY_LATER)
        for name in IDENTITY
    ]
    hashed = F.left(F.sha2(F.concat(*parts), 256), F.lit(32))
    return frame.withColumn("event_id", F.coalesce("event_id", hashed))


def _make_part(value: Column, later: bool) -> Column:
    """Length and text, so that two different rows of values never give the same concatenation."""
    text = value.cast("string")
    return F.coalesce(F.concat(F.char_length(text).cast("string"), F.lit(":"), text), F.lit("" if later else "-"))


def _with_derived(frame: DataFrame) -> DataFrame:
    is_purchase, is_refund = F.col("event_type") == "purchase", F.col("event_type") == "refund"
    worth = F.coalesce(F.col("amount"), (F.col("price") * F.col("quantity")).cast(MONEY))
    session_order = F.concat(F.lit("s:"), F.col("user_session"))
    levels = {f"category_{level}": _split_level(level) for level in range(1, LEVELS + 1)}
    return frame.withColumns(
        {
            "event_day": F.to_date("event_time"),
            "order_id": F.coalesce(
                "order_id", F.when(is_purchase, F.coalesce(session_order, F.concat(F.lit("e:"), F.col("event_id"))))
            ),
            "revenue": F.when(is_purchase, worth).when(is_refund, -worth),
            **levels,
        }
    )


def _select_both_tables(frame: DataFrame) -> DataFrame:
    """The columns that a batch keeps in memory. For a good event the payload is dropped."""
    payload = F.when(F.col("refusal").isNotNull(), F.col("payload")).alias("payload")
    return frame.select(*EVENTS_TABLE.column_names, "refusal", "received_day", payload)


def _split_level(level: int) -> Column:
    return F.nullif(F.split_part("category_code", F.lit("."), F.lit(level)), F.lit(""))


def _collect_extra() -> Column:
    """The fields outside the contract as one JSON object; null if there are none."""
    known_fields = [field.name for field in FIELDS]
    # If a message has as many keys as it has known fields, it has no others; that is cheaper than comparing sets.
    known_count = sum((F.col("object")[name].isNotNull().cast("int") for name in known_fields), F.lit(0))
    others = F.size(F.array_except(F.map_keys("object"), F.array(*map(F.lit, known_fields))))
    has_more = (F.size("object") != known_count) & (others > 0)
    # Parse again to keep the types. If a nested object repeats a key, that parse fails and only the texts are left.
    typed = F.from_json("json", "map<string, variant>", STRICT)
    unknown = [F.to_json(F.map_filter(fields, lambda key, _: ~key.isin(known_fields))) for fields in (typed, F.col("object"))]
    return F.when(has_more, F.coalesce(*unknown))


def _text(field: str) -> str:
    return f"text_{field}"


def _text_of(field: str) -> Column:
    return F.col(_text(field))
