"""Reads of names, one query for each kind. A shop whose database is not connected has no names: the answers are empty then, and
pages show ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import connection

from cdp.mart.shop import CATEGORY, CUSTOMER, PRODUCT
from cdp.postgres import TABLE_EXISTS
from cdp_web.accounts.roles import may_see_personal_data

#: Between the names of a category's levels.
ARROW = " › "
_EXISTS_KEY, _EXISTS_SECONDS = "names-exist", 60


@dataclass(frozen=True, slots=True)
class Names:
    """Names for one page: of products by id, and of categories by code. Both have entries only for what the shop has named."""

    products: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)

    def name_product(self, product_id: str) -> str:
        return self.products.get(product_id, product_id)

    def name_category(self, code: str) -> str:
        return self.categories.get(code, code)


@dataclass(frozen=True, slots=True)
class Person:
    """Personal data of a customer: empty texts where the shop has none."""

    name: str
    email: str


def names_get(*, products: Iterable[str | None] = (), categories: Iterable[str | None] = ()) -> Names:
    return Names(product_names_get(products), category_names_get(categories))


def product_names_get(ids: Iterable[str | None]) -> dict[str, str]:
    """Product id -> name."""
    wanted = sorted(filter(None, set(ids)))
    sql = f"SELECT product_id, name FROM {PRODUCT.full_name} WHERE product_id = ANY(%s) AND name <> ''"
    return dict(_read(sql, wanted)) if wanted else {}


def category_names_get(codes: Iterable[str | None]) -> dict[str, str]:
    """Code -> the names of its levels: "Electronics › Audio › Headphones". A code without a name of its own is left out."""
    wanted = sorted(filter(None, set(codes)))
    levels = {level for code in wanted for level in list_levels(code)}
    sql = f"SELECT code, name FROM {CATEGORY.full_name} WHERE code = ANY(%s) AND name <> ''"
    named = dict(_read(sql, sorted(levels))) if levels else {}
    return {
        code: ARROW.join(named.get(level) or spell_level(level) for level in list_levels(code))
        for code in wanted
        if code in named
    }


def people_get(user: Any, ids: Iterable[str]) -> dict[str, Person]:
    """Customer id -> name and e-mail; empty for a user who may not see personal data."""
    wanted = sorted(set(ids))
    if not wanted or not may_see_personal_data(user):
        return {}
    sql = f"SELECT customer_id, coalesce(name, ''), coalesce(email, '') FROM {CUSTOMER.full_name} WHERE customer_id = ANY(%s)"
    return {customer_id: Person(name, email) for customer_id, name, email in _read(sql, wanted)}


def names_exist() -> bool:
    """Whether the stream "shop" has ever run. It creates all its tables at once."""
    return bool(cache.get_or_set(_EXISTS_KEY, _find_tables, _EXISTS_SECONDS))


def list_levels(code: str) -> list[str]:
    """electronics.audio.headphone: electronics, electronics.audio, and the code itself."""
    parts = code.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def spell_level(code: str) -> str:
    """The last level of a code that has no name: `furniture.living_room` is "living room"."""
    return code.rpartition(".")[2].replace("_", " ")


def _find_tables() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(TABLE_EXISTS, [CUSTOMER.full_name])
        return bool(cursor.fetchone()[0])


def _read(sql: str, *parameters: Any) -> list[Any]:
    if not names_exist():
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
