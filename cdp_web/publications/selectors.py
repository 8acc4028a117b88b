"""Reads of mart.publication. The row with the greatest id serves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from cdp.mart.daily import PUBLICATION
from cdp.postgres import TABLE_EXISTS
from cdp_web.publications.errors import NothingPublished


@dataclass(frozen=True, slots=True)
class Publication:
    """One published state of all stores."""

    id: int
    day: date
    published_at: datetime
    customers_version: int
    profiles_collection: str
    counts: dict[str, Any]


# Django returns jsonb as text.
_SELECT = f"SELECT id, day, published_at, customers_version, profiles_collection, counts FROM {PUBLICATION.full_name}"


def publication_get_serving() -> Publication:
    """The publication that readers see; raises NothingPublished before the first night."""
    serving = _read_publication(f"{_SELECT} ORDER BY id DESC LIMIT 1")
    if serving is None:
        raise NothingPublished
    return serving


def publication_get(publication_id: int) -> Publication | None:
    return _read_publication(f"{_SELECT} WHERE id = %s", publication_id)


def _read_publication(sql: str, *parameters: Any) -> Publication | None:
    with connection.cursor() as cursor:
        # The first night creates the table, not Django's migrations.
        cursor.execute(TABLE_EXISTS, [PUBLICATION.full_name])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    publication_id, day, published_at, customers_version, profiles_collection, counts = row
    return Publication(publication_id, day, published_at, customers_version, profiles_collection, json.loads(counts))
