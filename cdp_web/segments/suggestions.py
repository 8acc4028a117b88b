"""Suggests values while somebody types one into a rule."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache

from cdp.lake.paths import INTERACTIONS
from cdp_web.serving.snapshot_query import Snapshot
from cdp_web.serving.snapshot_store import KEY, VALUE_FIELDS, VALUE_METRICS, VALUES

SHOWN = 20
FIELDS = (*VALUE_FIELDS, *VALUE_METRICS)
#: Categories of the tree; those of the fewest customers are left out.
MAX_CATEGORIES = 1000
_SECONDS = 2
_TREE_SECONDS = 10
_CACHE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Suggestion:
    value: str
    customers: int


@dataclass(frozen=True, slots=True)
class Category:
    """A node of the tree of categories, with its way from the first level on."""

    path: tuple[str, ...]
    customers: int


def values_suggest(snapshot: Snapshot, field: str, text: str) -> list[Suggestion]:
    """Values of the field that contain the text in any case: the text itself first, then those of the most customers."""
    sql = (
        f"SELECT value, customers FROM {VALUES} WHERE field = $1 AND contains(lower(value), lower($2))"
        f" ORDER BY value = $2 DESC, customers DESC, value LIMIT {SHOWN}"
    )
    return [Suggestion(**row) for row in snapshot.read_rows(sql, [field, text], seconds=_SECONDS)]


def categories_get(snapshot: Snapshot) -> list[Category]:
    """The tree of categories; read once for a publication."""
    key = f"categories-{snapshot.publication.id}"
    categories: list[Category] = cache.get_or_set(key, lambda: _read_categories(snapshot), _CACHE_SECONDS) or []
    return categories


def _read_categories(snapshot: Snapshot) -> list[Category]:
    levels = ("category_1", "category_2", "category_3")
    sets = ", ".join(f"({', '.join(levels[: depth + 1])})" for depth in range(len(levels)))
    rows = snapshot.read_rows(
        f"SELECT {', '.join(levels)}, grouping({', '.join(levels)}) AS mask, count(DISTINCT {KEY}) AS customers"
        f" FROM {INTERACTIONS} WHERE category_1 IS NOT NULL GROUP BY GROUPING SETS ({sets})"
        f" ORDER BY customers DESC, mask DESC, {', '.join(levels)} LIMIT {MAX_CATEGORIES}",
        seconds=_TREE_SECONDS,
    )
    depths = {0b011: 1, 0b001: 2, 0b000: 3}
    nodes = {}
    for row in rows:
        path = tuple(row[level] for level in levels[: depths[row["mask"]]])
        if None not in path:
            nodes[path] = Category(path, row["customers"])
    order = {path: position for position, path in enumerate(nodes)}
    return sorted(nodes.values(), key=lambda each: [order.get(each.path[: depth + 1], 0) for depth in range(len(each.path))])
