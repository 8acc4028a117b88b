"""Reads of names, one query for each kind. A shop whose database is not connected has no names: the answers are empty then, and
pages show ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import connection

from cdp.mart.shop import CATEGORY, CUSTOMER, PRODUCT
from cdp.mart.table import Table
from cdp.postgres import TABLE_EXISTS
from cdp.rules.names import CODE_METRICS

#: Between the names of a category's levels.
ARROW = " › "
_FILLED_KEY, _FILLED_SECONDS = "tables-with-names", 60
#: Ids that a search by name returns at most.
MAX_FOUND = 20_000
#: The ids of products, and the codes of categories and those below them, whose name contains a text.
PRODUCTS_BY_NAME = f"SELECT product_id FROM {PRODUCT.full_name} WHERE strpos(lower(name), lower(%s)) > 0"
CATEGORIES_BY_NAME = f"""
    SELECT each.code FROM {CATEGORY.full_name} each JOIN {CATEGORY.full_name} named
    ON each.code = named.code OR starts_with(each.code, named.code || '.')
    WHERE named.code <> '' AND strpos(lower(named.name), lower(%s)) > 0"""
#: Categories by level: the number of the level, its part of the code, and its name.
_LEVELS = f"""
    SELECT cardinality(string_to_array(code, '.')) AS level, split_part(code, '.', -1) AS part, name
    FROM {CATEGORY.full_name} WHERE code <> '' AND name <> ''"""


@dataclass(frozen=True, slots=True)
class Names:
    """Names for one page: of products by id, and of categories by code. Both have entries only for what the shop has named."""

    products: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)

    def name_product(self, product_id: str) -> str:
        return self.products.get(product_id, product_id)

    def name_category(self, code: str) -> str:
        return self.categories.get(code, code)


def names_get(*, products: Iterable[str | None] = (), categories: Iterable[str | None] = ()) -> Names:
    return Names(product_names_get(products), category_names_get(categories))


def product_names_get(ids: Iterable[str | None]) -> dict[str, str]:
    """Product id -> name."""
    wanted = sorted(filter(None, set(ids)))
    sql = f"SELECT product_id, name FROM {PRODUCT.full_name} WHERE product_id = ANY(%s) AND name <> ''"
    return dict(read_rows(PRODUCT, sql, wanted)) if wanted else {}


def category_names_get(codes: Iterable[str | None]) -> dict[str, str]:
    """Code -> the names of its levels: "Electronics › Audio › Headphones". A code without a name of its own is left out."""
    wanted = sorted(filter(None, set(codes)))
    levels = {level for code in wanted for level in list_levels(code)}
    sql = f"SELECT code, name FROM {CATEGORY.full_name} WHERE code = ANY(%s) AND name <> ''"
    named = dict(read_rows(CATEGORY, sql, sorted(levels))) if levels else {}
    return {
        code: ARROW.join(named.get(level) or spell_level(level) for level in list_levels(code))
        for code in wanted
        if code in named
    }


def level_names_get(values: Mapping[int, Iterable[str]]) -> dict[int, dict[str, str]]:
    """For parts of codes by level, such as "audio" of level 2: their names by level. A part with different names in two branches
    of the tree is left out."""
    pairs = [(level, part) for level, parts in values.items() for part in set(parts)]
    sql = f"""
        SELECT level, part, min(name) FROM ({_LEVELS}) levels JOIN unnest(%s::int[], %s::text[]) AS wanted (level, part)
        USING (level, part) GROUP BY level, part HAVING count(DISTINCT name) = 1"""
    names: dict[int, dict[str, str]] = {level: {} for level in values}
    for level, part, name in read_rows(CATEGORY, sql, *map(list, zip(*pairs, strict=True))) if pairs else []:
        names[level][part] = name
    return names


def product_ids_find(text: str) -> list[str]:
    """The products whose name contains the text in any case."""
    return _find(PRODUCT, PRODUCTS_BY_NAME, text)


def category_codes_find(text: str) -> list[str]:
    """The categories whose name contains the text in any case, and those below them, by code."""
    return _find(CATEGORY, CATEGORIES_BY_NAME, text)


def level_parts_find(level: int, text: str) -> list[str]:
    """As above, the last part of the codes of this level."""
    named = "strpos(lower(name), lower(%s)) > 0"
    return _find(CATEGORY, f"SELECT DISTINCT part FROM ({_LEVELS}) levels WHERE {named} AND level = %s", text, level)


def list_codes(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The codes of categories among the metrics of customers."""
    return [code for row in rows for key in CODE_METRICS if (code := row.get(key))]


def has_names(table: Table) -> bool:
    """Whether the shop has rows in PRODUCT, CATEGORY or CUSTOMER; looked up once in a while."""
    return table.name in cache.get_or_set(_FILLED_KEY, _find_filled, _FILLED_SECONDS)


def list_levels(code: str) -> list[str]:
    """electronics.audio.headphone: electronics, electronics.audio, and the code itself."""
    parts = code.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def spell_level(code: str) -> str:
    """The last level of a code that has no name: `furniture.living_room` is "living room"."""
    return code.rpartition(".")[2].replace("_", " ")


def _find_filled() -> list[str]:
    """The names of the tables with rows. The stream "shop" creates all its tables at once."""
    tables = (PRODUCT, CATEGORY, CUSTOMER)
    with connection.cursor() as cursor:
        cursor.execute(TABLE_EXISTS, [CUSTOMER.full_name])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(f"SELECT {', '.join(f'EXISTS (SELECT FROM {table.full_name})' for table in tables)}")
        return [table.name for table, is_filled in zip(tables, cursor.fetchone(), strict=True) if is_filled]


def _find(table: Table, sql: str, text: str, *parameters: Any) -> list[str]:
    return [row[0] for row in read_rows(table, f"{sql} LIMIT {MAX_FOUND}", text, *parameters)] if text else []


def read_rows(table: Table, sql: str, *parameters: Any) -> list[Any]:
    if not has_names(table):
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
