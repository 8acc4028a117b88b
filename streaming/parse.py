"""The one parser: from messages as Kafka gives them to events and refusals. Stream, replay and tests all use it.

Pure column expressions over (value, topic, partition, offset, timestamp): no clock, no UDF, no IO. A message is a good
event or is refused for one reason; nothing is dropped. Fields are checked in the order of the contract. A replay may repair
the texts of fields before they are looked at, and may be told other bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.events import FIELDS
from cdp.events.fields import BOUNDS, IDENTITY, IDENTITY_LATER, Bounds
from streaming.tables import EVENTS_TABLE, QUARANTINE_TABLE, REPLAY_COLUMNS
from streaming.values import VALUES, Check, checks, cleaned, price_of_one, too_much

REFUSAL = "struct<reason: string, field: string, detail: string>"
#: JSON as the standard has it, not as Jackson would let it pass.
STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
LEVELS = 3

#: Field -> what becomes of its text, which is null where the message has none.
TextRepairs = Mapping[str, Callable[[Column], Column]]


def parse(messages: DataFrame, bounds: Bounds = BOUNDS, repairs: TextRepairs | None = None) -> DataFrame:
    """The columns of both tables beside each other; `refusal` is null where the message is a good event."""
    steps: tuple[Callable[[DataFrame], DataFrame], ...] = (
        _with_object,
        partial(_with_texts, repairs=repairs or {}),
        partial(_with_values, bounds=bounds),
        partial(_with_refusal, bounds=bounds),
        _with_price,
        _with_id,
        _with_derived,
        _of_both_tables,
    )
    return reduce(lambda frame, step: frame.transform(step), steps, messages)


def good(parsed: DataFrame) -> DataFrame:
    return parsed.where(F.col("refusal").isNull()).select(*EVENTS_TABLE.column_names)


def refused(parsed: DataFrame) -> DataFrame:
    waiting = [F.lit(None).cast(kind).alias(name) for name, kind in REPLAY_COLUMNS.items()]
    found = parsed.where(F.col("refusal").isNotNull()).select("*", "refusal.*", *waiting)
    return found.select(*QUARANTINE_TABLE.column_names)


def _with_object(messages: DataFrame) -> DataFrame:
    """The message as text by key. Null where it is not one JSON object and nothing else, in UTF-8."""
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
    """Spark's own reader stops after the first value and would let `{…}{…}` pass. Behind the only closing bracket, which
    ends the text, nothing can follow: so it is with most messages, and costs no further reading of them. Bytes are asked,
    because characters have to be counted first."""
    before_last = F.substring(value, F.lit(1), F.octet_length(value) - 1).cast("string")
    flat = text.startswith("{") & text.endswith("}") & ~before_last.contains("}")
    return flat | _is_one_in_lists(text)


def _is_one_in_lists(text: Column) -> Column:
    """A text that closes the list by itself has the same length in both lists, so that it can't be 1 in one and 2 in the
    other."""
    alone = F.json_array_length(F.concat(F.lit("["), text, F.lit("]")))
    followed = F.json_array_length(F.concat(F.lit("["), text, F.lit(",0]")))
    return (alone == 1) & (followed == 2)


def _with_texts(frame: DataFrame, repairs: TextRepairs) -> DataFrame:
    """Text and map of the message are not carried further than here: each step copies what it is given."""
    has_escapes = F.contains("json", F.lit("\\"))
    texts = {field.name: cleaned(F.col("object")[field.name], has_escapes) for field in FIELDS}
    repaired = {name: repairs[name](text) if name in repairs else text for name, text in texts.items()}
    made = {_text(name): text for name, text in repaired.items()} | {"is_object": F.col("object").isNotNull(), "extra": _extra()}
    return frame.withColumns(made).drop("json", "object")


def _with_values(frame: DataFrame, bounds: Bounds) -> DataFrame:
    values = {field.name: VALUES[field.kind](F.col(_text(field.name)), bounds) for field in FIELDS}
    # A text that does not fit is missing here, so that the default comes only where nothing was given.
    values["quantity"] = F.when(F.col(_text("quantity")).isNull(), F.lit(1)).otherwise(values["quantity"])
    values["brand"] = F.lower(values["brand"])
    return frame.withColumns(values)


def _with_refusal(frame: DataFrame, bounds: Bounds) -> DataFrame:
    refusals = [_refusal(~F.col("is_object"), "not_json", None, F.lit("it is not one JSON object"))]
    for field in FIELDS:
        found = checks(field, _text_of, F.col("received_at"), bounds)
        refusals += [_refused_for(field.name, check) for check in found]
    refusals += [_refused_for(field, check) for field, check in too_much(_text_of).items()]
    return frame.withColumn("refusal", F.coalesce(*refusals))


def _refused_for(field: str, check: Check) -> Column:
    return _refusal(check.fails, check.reason, field, check.detail)


def _refusal(fails: Column, reason: str, field: str | None, detail: Column) -> Column:
    return F.when(fails, F.struct(F.lit(reason), F.lit(field), detail).cast(REFUSAL))


def _with_price(frame: DataFrame) -> DataFrame:
    """An amount without a price makes one."""
    return frame.withColumn("price", F.coalesce("price", price_of_one(F.col("amount"), F.col("quantity"))))


def _with_id(frame: DataFrame) -> DataFrame:
    """The id that came, or 128 bits of a hash over the normalised values."""
    parts = [
        _part(F.unix_micros("event_time") if name == "event_time" else F.col(name), name in IDENTITY_LATER) for name in IDENTITY
    ]
    made = F.left(F.sha2(F.concat(*parts), 256), F.lit(32))
    return frame.withColumn("event_id", F.coalesce("event_id", made))


def _part(value: Column, later: bool) -> Column:
    """Length and text, so that no two rows of values read the same when they are put together."""
    text = value.cast("string")
    return F.coalesce(F.concat(F.char_length(text).cast("string"), F.lit(":"), text), F.lit("" if later else "-"))


def _with_derived(frame: DataFrame) -> DataFrame:
    bought, taken_back = F.col("event_type") == "purchase", F.col("event_type") == "refund"
    worth = F.coalesce(F.col("amount"), (F.col("price") * F.col("quantity")).cast("decimal(18, 2)"))
    session_order = F.concat(F.lit("s:"), F.col("user_session"))
    levels = {f"category_{level}": _level(level) for level in range(1, LEVELS + 1)}
    return frame.withColumns(
        {
            "event_day": F.to_date("event_time"),
            "order_id": F.coalesce(
                "order_id", F.when(bought, F.coalesce(session_order, F.concat(F.lit("e:"), F.col("event_id"))))
            ),
            "revenue": F.when(bought, worth).when(taken_back, -worth),
            **levels,
        }
    )


def _of_both_tables(frame: DataFrame) -> DataFrame:
    """What a batch keeps in memory; of a good event not the message too."""
    payload = F.when(F.col("refusal").isNotNull(), F.col("payload")).alias("payload")
    return frame.select(*EVENTS_TABLE.column_names, "refusal", "received_day", payload)


def _level(level: int) -> Column:
    return F.nullif(F.split_part("category_code", F.lit("."), F.lit(level)), F.lit(""))


def _extra() -> Column:
    """Fields that the contract does not know, as one JSON object; null where there are none."""
    known = [field.name for field in FIELDS]
    # A message with as many keys as it has fields of ours has no others; that costs less than taking sets apart.
    given = sum((F.col("object")[name].isNotNull().cast("int") for name in known), F.lit(0))
    others = F.size(F.array_except(F.map_keys("object"), F.array(*map(F.lit, known))))
    has_more = (F.size("object") != given) & (others > 0)
    # Read again with their own types; a key that comes twice within one of them leaves only the texts.
    typed = F.from_json("json", "map<string, variant>", STRICT)
    unknown = [F.to_json(F.map_filter(fields, lambda key, _: ~key.isin(known))) for fields in (typed, F.col("object"))]
    return F.when(has_more, F.coalesce(*unknown))


def _text(field: str) -> str:
    return f"text_{field}"


def _text_of(field: str) -> Column:
    return F.col(_text(field))
