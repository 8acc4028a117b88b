"""What a replay would make of waiting rows, or has made: counts by reason and field, and a few examples before and after."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from cdp.events import FIELD_NAMES
from cdp.settings import Settings
from streaming.replay.repairs import Repair
from streaming.replay.rows import KEY, messages
from streaming.tables import EVENTS_TABLE

EXAMPLES = 5
SHOWN = 300  # characters of a message

#: Reason and field, which is "" for a message that is no object.
Why = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of rows: all that wait and those that were selected, by what they were refused for; and what came of them."""

    waiting: Counter[Why]
    selected: Counter[Why]
    passing: Counter[Why]
    remaining: Counter[Why]  # by what they are refused for now
    examples: tuple[str, ...]
    days: tuple[date, date] | None  # in which the passing ones were received

    def text(self, verb: str) -> str:
        """For people; the verb says whether the rows pass or would pass."""
        lines = [
            f"{self.selected.total():,} of {self.waiting.total():,} waiting rows are selected, {self.passing.total():,} {verb}",
            "",
        ]
        lines += [f"  {'reason':<14}{'field':<16}{'waiting':>10}{verb:>14}{'remaining':>12}"]
        for why, count in self.selected.most_common():
            good = self.passing[why]
            lines.append(f"  {why[0]:<14}{why[1] or '-':<16}{count:>10,}{good:>14,}{count - good:>12,}")
        if self.remaining:
            lines += ["", "remaining, by what is wrong with them now"]
            lines += _list(self.remaining)
        return "\n".join([*lines, "", "examples", *self.examples])

    def what_waits(self) -> str:
        return "\n".join(_list(self.waiting))


def _list(counts: Counter[Why]) -> list[str]:
    return [f"  {reason:<14}{field or '-':<16}{count:>10,}" for (reason, field), count in counts.most_common()]


def outcome(settings: Settings, rows: DataFrame, repair: Repair) -> DataFrame:
    """The rows, each with its refusal now, which is null where it passes, and with the event that it would be."""
    parsed = repair.parse(settings, messages(rows))
    stored = [name for name in FIELD_NAMES if name in EVENTS_TABLE.column_names]
    event = F.when(F.col("refusal").isNull(), F.to_json(F.struct(*stored))).alias("event")
    start = F.substring("payload", 1, 4 * SHOWN).alias("start")
    before = rows.select(*KEY, "reason", "field", "detail", start)
    return before.join(parsed.select(*KEY, "refusal", event), [*KEY])


def summarise(waiting: DataFrame, outcome: DataFrame) -> Summary:
    """Count; `waiting` are all rows that wait, `outcome` what becomes of the selected ones."""
    selected: Counter[Why] = Counter()
    passing: Counter[Why] = Counter()
    remaining: Counter[Why] = Counter()
    days: list[date] = []
    for row in _groups(outcome):
        why = (row.reason, row.field or "")
        selected[why] += row.number
        if row.reason_now:
            remaining[row.reason_now, row.field_now or ""] += row.number
        else:
            passing[why] += row.number
            days += [row.first, row.last]
    all_waiting = Counter({(row.reason, row.field or ""): row.number for row in _by_reason(waiting)})
    span = (min(days), max(days)) if days else None
    return Summary(all_waiting, selected, passing, remaining, _examples(outcome), span)


def _by_reason(rows: DataFrame) -> list[Row]:
    return rows.groupBy("reason", "field").agg(F.count("*").alias("number")).collect()


def _groups(outcome: DataFrame) -> list[Row]:
    now = (F.col("refusal.reason").alias("reason_now"), F.col("refusal.field").alias("field_now"))
    days = (F.min("received_day").alias("first"), F.max("received_day").alias("last"))
    # In one order, so that equal counts stand in the same order each time.
    groups = outcome.groupBy("reason", "field", *now).agg(F.count("*").alias("number"), *days)
    return groups.orderBy("reason", "field", "reason_now", "field_now").collect()


def _examples(outcome: DataFrame) -> tuple[str, ...]:
    """A few rows of different kinds: first one of each reason that passes, then one of each that does not, then more."""
    passes = F.col("refusal").isNull()
    kind = Window.partitionBy("reason", "field", passes).orderBy("kafka_topic", "kafka_partition", "kafka_offset")
    order = (F.col("nth"), passes.desc(), F.col("reason"), F.col("field"))
    return tuple(map(_example, outcome.withColumn("nth", F.row_number().over(kind)).orderBy(*order).limit(EXAMPLES).collect()))


def _example(row: Row) -> str:
    payload = bytes(row.start or b"").decode(errors="backslashreplace")
    after = f"an event: {row.event}" if row.event else f"refused: {_why(row.refusal)}"
    return (
        f"  {row.kafka_topic} {row.kafka_partition}:{row.kafka_offset}  {_shown(_why(row))}\n"
        f"    before  {_shown(payload)}\n"
        f"    after   {_shown(after)}"
    )


def _why(row: Row) -> str:
    return f"{row.reason} {row.field or ''}".rstrip() + f": {row.detail}"


def _shown(text: str) -> str:
    """On one line and cut. What a stranger sent must not move the cursor of a terminal."""
    cut = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
