"""Suggests values while somebody types one into a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.core.cache import cache

from cdp.lake.paths import INTERACTIONS
from cdp.rules.names import CODE_FIELDS, LEVEL_FIELDS, PRODUCT_FIELD
from cdp_web.names.selectors import (
    ARROW,
    category_codes_find,
    category_names_get,
    level_names_get,
    level_parts_find,
    product_ids_find,
    product_names_get,
)
from cdp_web.serving.recommendations import (
    RECOMMENDED_FIELDS,
    RECOMMENDED_PRODUCT,
    recommendations_ensure,
    recommendations_get,
)
from cdp_web.serving.snapshot_query import RECOMMENDATION_VALUES, Snapshot
from cdp_web.serving.snapshot_store import KEY, VALUE_FIELDS, VALUE_METRICS, VALUES

SHOWN = 20
FIELDS = (*VALUE_FIELDS, *VALUE_METRICS, *RECOMMENDED_FIELDS)
_PRODUCT_FIELDS = (PRODUCT_FIELD, RECOMMENDED_PRODUCT)
#: Categories of the tree; those of the fewest customers are left out.
MAX_CATEGORIES = 1000
_SECONDS = 2
_TREE_SECONDS = 10
_CACHE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Suggestion:
    value: str
    customers: int
    #: Of the product or category; empty if the shop has none.
    name: str = ""


@dataclass(frozen=True, slots=True)
class Category:
    """A node of the tree of categories, with its way from the first level on. `name` is that of its last level, if the shop has
    one."""

    path: tuple[str, ...]
    customers: int
    name: str = ""


def values_suggest(snapshot: Snapshot, field: str, text: str) -> list[Suggestion]:
    """Values of the field that contain the text in any case, or whose name does: the text itself first, then those of the most
    customers."""
    recommendations, table = None, VALUES
    if field in RECOMMENDED_FIELDS:
        recommendations, table = recommendations_ensure(snapshot, recommendations_get()), RECOMMENDATION_VALUES
        if recommendations is None:
            return []
    sql = (
        f"SELECT value, customers FROM {table} WHERE field = $1"
        " AND (contains(lower(value), lower($2)) OR value IN (SELECT unnest($3::VARCHAR[])))"
        f" ORDER BY value = $2 DESC, customers DESC, value LIMIT {SHOWN}"
    )
    named = _find_named(field, text)
    with snapshot.open_session(_SECONDS) as session:
        if recommendations:
            session.load_recommendations(recommendations)
        rows = session.read_rows(sql, [field, text, named])
    names = _read_names(field, [row["value"] for row in rows])
    return [Suggestion(**row, name=names.get(row["value"], "")) for row in rows]


def _find_named(field: str, text: str) -> list[str]:
    """The values of the field whose name contains the text."""
    if field in _PRODUCT_FIELDS:
        return product_ids_find(text)
    if field in LEVEL_FIELDS:
        return level_parts_find(LEVEL_FIELDS.index(field) + 1, text)
    return category_codes_find(text) if field in CODE_FIELDS else []


def _read_names(field: str, values: Sequence[str]) -> Mapping[str, str]:
    if field in _PRODUCT_FIELDS:
        return product_names_get(values)
    if field in LEVEL_FIELDS:
        level = LEVEL_FIELDS.index(field) + 1
        return level_names_get({level: values})[level]
    return category_names_get(values) if field in CODE_FIELDS else {}


def categories_get(snapshot: Snapshot) -> list[Category]:
    """The tree of categories; read once for a publication."""
    key = f"categories-{snapshot.publication.id}"
    categories: list[Category] = cache.get_or_set(key, lambda: _read_categories(snapshot), _CACHE_SECONDS) or []
    return _add_names(categories)


def _read_categories(snapshot: Snapshot) -> list[Category]:
    levels = LEVEL_FIELDS
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


def _add_names(categories: Sequence[Category]) -> list[Category]:
    names = category_names_get(".".join(each.path) for each in categories)
    return [replace(each, name=names.get(".".join(each.path), "").rpartition(ARROW)[2]) for each in categories]
