"""Reads the schemas `live` and `shop`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection

from cdp.mart.shop import PRODUCT
from cdp.postgres import TABLE_EXISTS

_NAMES = f"SELECT product_id, name FROM {PRODUCT.full_name} WHERE product_id = ANY(%s) AND name IS NOT NULL"


def product_names_get(product_ids: Sequence[str]) -> Mapping[str, str]:
    """Names by id, of the products that the shop's database has."""
    if not product_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(TABLE_EXISTS, [PRODUCT.full_name])
        if not cursor.fetchone()[0]:
            return {}
        cursor.execute(_NAMES, [list(product_ids)])
        return dict(cursor.fetchall())
