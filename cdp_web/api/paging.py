"""Pages by key: `after` is the key of the last entry that the client has, `next` the one to send for the following page. Entries
that are added or removed meanwhile move no others across pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from rest_framework import serializers

MAX_KEY = 2**63 - 1
MAX_LIMIT = 1000
Entry = TypeVar("Entry")


class PageQuerySerializer(serializers.Serializer):
    """For lists with numbers as keys."""

    after = serializers.IntegerField(
        min_value=1, max_value=MAX_KEY, default=None, help_text="The `next` of the page before; without it the first page."
    )
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=100)


def read_query(kind: type[serializers.Serializer], parameters: Any) -> dict[str, Any]:
    data = kind(data=parameters)
    data.is_valid(raise_exception=True)
    values: dict[str, Any] = data.validated_data
    return values


def cut_page(entries: Sequence[Entry], limit: int) -> tuple[Sequence[Entry], Entry | None]:
    """From one entry more than the page holds: the page, and its last entry if others follow."""
    page = entries[:limit]
    return page, page[-1] if len(entries) > limit else None
