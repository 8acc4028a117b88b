"""The serving publication: which day the site shows and where its data is. Batch writes mart.publication; the row with the
greatest id serves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.http import HttpRequest

from cdp.mart.daily import PUBLICATION
from cdp.postgres import TABLE_EXISTS
from cdp_web.serving.errors import NothingPublished


@dataclass(frozen=True, slots=True)
class Publication:
    """One published state of all stores."""

    id: int
    day: date
    published_at: datetime
    customers_version: int
    interactions_version: int
    profiles_collection: str
    counts: dict[str, Any]


_REQUEST_ATTRIBUTE = "_cdp_publication"
# Django returns jsonb as text.
_COLUMNS = "id, day, published_at, customers_version, interactions_version, profiles_collection, counts"
_SELECT = f"SELECT {_COLUMNS} FROM {PUBLICATION.full_name}"


def publication_get_serving() -> Publication:
    """The publication that readers see; raises NothingPublished before the first night."""
    serving = _read_publication(f"{_SELECT} ORDER BY id DESC LIMIT 1")
    if serving is None:
        raise NothingPublished
    return serving


def publication_get(publication_id: int) -> Publication | None:
    return _read_publication(f"{_SELECT} WHERE id = %s", publication_id)


def publication_get_for_request(request: HttpRequest) -> Publication:
    """The serving publication, read once for a request, so everything on a page agrees."""
    if not hasattr(request, _REQUEST_ATTRIBUTE):
        setattr(request, _REQUEST_ATTRIBUTE, publication_get_serving())
    serving: Publication = getattr(request, _REQUEST_ATTRIBUTE)
    return serving


def add_publication(request: HttpRequest) -> dict[str, Any]:
    """Template context: the publication for the top bar, if the user is logged in."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    try:
        return {"publication": publication_get_for_request(request)}
    except NothingPublished:
        return {"publication": None}


def publications_get_before(day: date) -> list[Publication]:
    """The last publication of each earlier day, newest day first."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE_EXISTS, [PUBLICATION.full_name])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(
            f"SELECT DISTINCT ON (day) {_COLUMNS} FROM {PUBLICATION.full_name} WHERE day < %s ORDER BY day DESC, id DESC", [day]
        )
        return [_from_row(row) for row in cursor.fetchall()]


def _read_publication(sql: str, *parameters: Any) -> Publication | None:
    with connection.cursor() as cursor:
        # The first night creates the table, not Django's migrations.
        cursor.execute(TABLE_EXISTS, [PUBLICATION.full_name])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    return None if row is None else _from_row(row)


def _from_row(row: Sequence[Any]) -> Publication:
    publication_id, day, published_at, customers, interactions, profiles_collection, counts = row
    return Publication(publication_id, day, published_at, customers, interactions, profiles_collection, json.loads(counts))
