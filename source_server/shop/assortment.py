"""What the shop sells: the best sellers of the generated history's most popular categories, with the same ids, codes, brands and
prices. So events from files and from the shop are about the same products."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np

from source_server.history.catalogue import CATEGORIES, Catalogue, Category, make_catalogue

MAX_CATEGORIES = sum(category.code is not None for category in CATEGORIES)
FEWEST_STOCK, MOST_STOCK = 20, 120


@dataclass(frozen=True, slots=True)
class Assortment:
    """Rows of categories, parents first, and of products."""

    categories: list[dict[str, Any]]
    products: list[dict[str, Any]]


def make_assortment(seed: int, events: int, categories: int, products: int, now: datetime) -> Assortment:
    """The assortment of the generated shop with this seed and this many events, cut down to its most popular part."""
    catalogue = make_catalogue(seed, events)
    with_code = [shelf for shelf, category in enumerate(CATEGORIES) if category.code]
    shelves = sorted(with_code, key=lambda shelf: -CATEGORIES[shelf].popularity)[:categories]
    sizes = _divide(products, {shelf: int((catalogue.shelf == shelf).sum()) for shelf in shelves})
    rows = [
        _make_product(catalogue, place, now)
        for shelf in shelves
        for place in np.flatnonzero(catalogue.shelf == shelf)[: sizes[shelf]].tolist()
    ]
    return Assortment(make_category_rows([CATEGORIES[shelf] for shelf in shelves]), rows)


def _divide(products: int, available: dict[int, int]) -> dict[int, int]:
    """The number of products of each shelf: in proportion to what it has, at least one."""
    total = sum(available.values())
    if not len(available) <= products <= total:
        raise ValueError(f"{len(available)} categories have {len(available)} to {total:,} products, not {products:,}.")
    more = products - len(available)
    sizes = {shelf: 1 + more * (size - 1) // max(1, total - len(available)) for shelf, size in available.items()}
    for shelf in sorted(available, key=lambda shelf: -available[shelf]):
        sizes[shelf] += min(products - sum(sizes.values()), available[shelf] - sizes[shelf])
    return sizes


def make_category_rows(categories: Iterable[Category]) -> list[dict[str, Any]]:
    """The categories and their ancestors. A category of the history keeps its id; an ancestor has a small number."""
    ids = _make_category_ids()
    codes = {code for category in categories for code in _list_levels(str(category.code))}
    return [
        {
            "category_id": ids[code],
            "parent_id": ids.get(code.rpartition(".")[0]),
            "code": code,
            "name": make_category_name(code),
        }
        for code in sorted(codes)
    ]


def _make_category_ids() -> dict[str, int]:
    """The same for any choice of categories."""
    leaves = {category.code: int(category.category_id) for category in CATEGORIES if category.code}
    ancestors = sorted({level for code in leaves for level in _list_levels(code)} - leaves.keys())
    return {code: number for number, code in enumerate(ancestors, start=1)} | leaves


def _list_levels(code: str) -> list[str]:
    """electronics.audio.headphone: electronics, electronics.audio, and itself."""
    parts = code.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def make_category_name(code: str) -> str:
    """furniture.living_room: Living room"""
    return code.rpartition(".")[2].replace("_", " ").capitalize()


def _make_product(catalogue: Catalogue, place: int, now: datetime) -> dict[str, Any]:
    product_id, code = int(catalogue.product_id[place].as_py()), catalogue.category_code[place].as_py()
    brand, noun = catalogue.brand[place].as_py(), make_category_name(code).lower()
    number = product_id % 1_000_000
    return {
        "product_id": product_id,
        "category_id": int(catalogue.category_id[place].as_py()),
        "name": f"{brand.capitalize()} {noun} {number}" if brand else f"{noun.capitalize()} {number}",
        "brand": brand,
        "price": Decimal(catalogue.price[place].as_py()),
        "stock": Random(f"stock {product_id}").randint(FEWEST_STOCK, MOST_STOCK),
        "active": True,
        "created_at": now,
        "updated_at": now,
    }
