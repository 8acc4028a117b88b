"""Suggests values while somebody types one into a rule."""

from __future__ import annotations

from dataclasses import dataclass

from cdp_web.serving.snapshot_query import Snapshot
from cdp_web.serving.snapshot_store import VALUE_FIELDS, VALUE_METRICS, VALUES

SHOWN = 20
FIELDS = (*VALUE_FIELDS, *VALUE_METRICS)
_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Suggestion:
    value: str
    customers: int


def values_suggest(snapshot: Snapshot, field: str, text: str) -> list[Suggestion]:
    """Values of the field that contain the text in any case; those of the most customers come first."""
    sql = (
        f"SELECT value, customers FROM {VALUES} WHERE field = $1 AND contains(lower(value), lower($2))"
        f" ORDER BY customers DESC, value LIMIT {SHOWN}"
    )
    return [Suggestion(**row) for row in snapshot.read_rows(sql, [field, text], seconds=_SECONDS)]
