"""Summarises the outcome of a replay or a dry run: counts by reason and field, and a few examples before and after."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from cdp.events import FIELD_NAMES
from cdp.lake.tables import EVENTS_TABLE
from cdp.settings import Settings
from streaming.replay.repairs import Repair
from streaming.replay.rows import KEY, restore_messages

EXAMPLES = 5
SHOWN = 300  # characters of a message

#: Reason and field of a refusal; the field is "" if the message is no JSON object.
Why = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """Counts of rows by refusal: all waiting rows, the selected ones, and what became of those."""

    waiting: Counter[Why]
    selected: Counter[Why]
    passing: Counter[Why]
    remaining: Counter[Why]  # by their refusal now
    examples: tuple[str, ...]
    days: tuple[date, date] | None  # the first and last day on which passing rows were received

    def text(self, verb: str) -> str:
        """The summary for the operator; the verb is "passed" or "would pass"."""
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
            lines += _list_counts(self.remaining)
        return "\n".join([*lines, "", "examples", *self.examples])

    def as_json(self) -> dict[str, Any]:
        """The counts without the examples."""
        groups = [
            {"reason": why[0], "field": why[1], "selected": count, "passing": self.passing[why]}
            for why, count in self.selected.most_common()
        ]
        remaining = [{"reason": why[0], "field": why[1], "count": count} for why, count in self.remaining.most_common()]
        return {
            "waiting": self.waiting.total(),
            "selected": self.selected.total(),
            "passing": self.passing.total(),
            "groups": groups,
            "remaining": remaining,
        }

    def list_waiting(self) -> str:
        return "\n".join(_list_counts(self.waiting))


def _list_counts(counts: Counter[Why]) -> list[str]:
    return [f"  {reason:<14}{field or '-':<16}{count:>10,}" for (reason, field), count in counts.most_common()]


def parse_again(settings: Settings, rows: DataFrame, repair: Repair) -> DataFrame:
    """The rows, each with its refusal now, which is null if it passes, and with the event that it would become."""
    parsed = repair.parse(settings, restore_messages(rows))
    stored = [name for name in FIELD_NAMES if name in EVENTS_TABLE.column_names]
    event = F.when(F.col("refusal").isNull(), F.to_json(F.struct(*stored))).alias("event")
    start = F.substring("payload", 1, 4 * SHOWN).alias("start")
    before = rows.select(*KEY, "reason", "field", "detail", start)
    return before.join(parsed.select(*KEY, "refusal", event), [*KEY])


def summarise(waiting: DataFrame, outcome: DataFrame) -> ReplaySummary:
    """Count all waiting rows, and the outcomes of the selected ones."""
    selected: Counter[Why] = Counter()
    passing: Counter[Why] = Counter()
    remaining: Counter[Why] = Counter()
    days: list[date] = []
    for row in _count_outcomes(outcome):
        why = (row.reason, row.field or "")
        selected[why] += row.number
        if row.reason_now:
            remaining[row.reason_now, row.field_now or ""] += row.number
        else:
            passing[why] += row.number
            days += [row.first, row.last]
    all_waiting = Counter({(row.reason, row.field or ""): row.number for row in _count_by_reason(waiting)})
    span = (min(days), max(days)) if days else None
    return ReplaySummary(all_waiting, selected, passing, remaining, _pick_examples(outcome), span)


def _count_by_reason(rows: DataFrame) -> list[Row]:
    return rows.groupBy("reason", "field").agg(F.count("*").alias("number")).collect()


def _count_outcomes(outcome: DataFrame) -> list[Row]:
    now = (F.col("refusal.reason").alias("reason_now"), F.col("refusal.field").alias("field_now"))
    days = (F.min("received_day").alias("first"), F.max("received_day").alias("last"))
    # Sorted, so equal counts always appear in the same order.
    groups = outcome.groupBy("reason", "field", *now).agg(F.count("*").alias("number"), *days)
    return groups.orderBy("reason", "field", "reason_now", "field_now").collect()


def _pick_examples(outcome: DataFrame) -> tuple[str, ...]:
    """A few rows of different kinds: first one of each reason that passes, then one of each that fails, then more."""
    passes = F.col("refusal").isNull()
    kind = Window.partitionBy("reason", "field", passes).orderBy("kafka_topic", "kafka_partition", "kafka_offset")
    order = (F.col("nth"), passes.desc(), F.col("reason"), F.col("field"))
    return tuple(
        map(_describe_example, outcome.withColumn("nth", F.row_number().over(kind)).orderBy(*order).limit(EXAMPLES).collect())
    )


def _describe_example(row: Row) -> str:
    payload = bytes(row.start or b"").decode(errors="backslashreplace")
    after = f"an event: {row.event}" if row.event else f"refused: {_describe_refusal(row.refusal)}"
    return (
        f"  {row.kafka_topic} {row.kafka_partition}:{row.kafka_offset}  {_make_printable(_describe_refusal(row))}\n"
        f"    before  {_make_printable(payload)}\n"
        f"    after   {_make_printable(after)}"
    )


def _describe_refusal(row: Row) -> str:
    return f"{row.reason} {row.field or ''}".rstrip() + f": {row.detail}"


def _make_printable(text: str) -> str:
    """One line, shortened and escaped: a message from outside must not control the operator's terminal."""
    cut = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
