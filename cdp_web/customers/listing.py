"""What the address of the customer list says: the search, the rule, the columns, the order, and the place of the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import QueryDict

from cdp.metrics import BY_KEY, Metric
from cdp.rules import CUSTOMER_ID, Rule, encode
from cdp_web.customers.keyset import Cursor, Order, parse_cursor
from cdp_web.layout.facts import get_title
from cdp_web.segments.export.options import read_columns
from cdp_web.segments.rules import rule_read
from cdp_web.serving.snapshot_query import LIST_COLUMNS

PAGE_SIZE = 50
MAX_SEARCH = 100
#: An address is not much longer; a longer rule belongs into a segment.
MAX_RULE_CHARACTERS = 100_000
SORTS = (CUSTOMER_ID, *BY_KEY)
DEFAULT_ORDER = Order("total_purchase_value", True)


class ListingError(ValueError):
    """The parameters of a list are invalid; the message lists the valid ones."""


@dataclass(frozen=True, slots=True)
class CustomerQuery:
    """Which customers a list shows, and how."""

    search: str = ""
    rule: Rule | None = None
    columns: tuple[Metric, ...] = LIST_COLUMNS
    order: Order = DEFAULT_ORDER
    cursor: Cursor | None = None
    #: The page ends before the cursor; otherwise it begins after it.
    backwards: bool = False
    limit: int = field(default=PAGE_SIZE)

    @property
    def is_filtered(self) -> bool:
        return bool(self.search) or self.rule is not None

    @property
    def sort_title(self) -> str:
        return "" if self.order.is_by_id else get_title(BY_KEY[self.order.sort])


def parse_query(parameters: QueryDict, columns_name: str = "cols", limit: int = PAGE_SIZE) -> CustomerQuery:
    """Raises ListingError or RuleInvalid for parameters that are invalid."""
    search = parameters.get("q", "").strip()
    if len(search) > MAX_SEARCH:
        raise ListingError(f"q is longer than {MAX_SEARCH} characters.")
    order = _parse_order(parameters.get("sort", ""))
    backwards = not parameters.get("after") and bool(parameters.get("before"))
    place = parameters.get("before" if backwards else "after", "")
    cursor = parse_cursor(place, order) if place else None
    if place and cursor is None:
        raise ListingError("The place of the page is invalid for this order. Begin at the first page.")
    try:
        columns = read_columns(parameters, columns_name)
    except ValidationError as error:
        raise ListingError(" ".join(error.messages)) from error
    return CustomerQuery(search, parse_rule(parameters.get("rule", "")), columns, order, cursor, backwards, limit)


def parse_rule(text: str) -> Rule | None:
    if not text:
        return None
    if len(text) > MAX_RULE_CHARACTERS:
        raise ListingError(
            f"rule is longer than {MAX_RULE_CHARACTERS:,} characters. Save it as a segment, and filter by the segment."
        )
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ListingError("rule is not a JSON document. Copy the whole address.") from error
    return rule_read(document)


def write_rule(rule: Rule) -> str:
    return json.dumps(encode(rule), separators=(",", ":"), ensure_ascii=False)


def list_pairs(query: CustomerQuery) -> list[tuple[str, str]]:
    """The parameters of the address without the place of the page; those with their default value are left out."""
    return list(_generate_pairs(query))


def build_link(query: CustomerQuery, **place: str) -> str:
    return "?" + urlencode([*list_pairs(query), *place.items()])


def _generate_pairs(query: CustomerQuery) -> Iterator[tuple[str, str]]:
    if query.search:
        yield "q", query.search
    if query.rule is not None:
        yield "rule", write_rule(query.rule)
    if query.order != DEFAULT_ORDER:
        yield "sort", f"{'-' if query.order.descending else ''}{query.order.sort}"
    if query.columns != LIST_COLUMNS:
        yield "cols", ",".join(metric.key for metric in query.columns)


def _parse_order(text: str) -> Order:
    if not text:
        return DEFAULT_ORDER
    sort = text.removeprefix("-")
    if sort not in SORTS:
        raise ListingError(f"sort must be one of {', '.join(SORTS)}; a - in front reverses the order.")
    return Order(sort, text.startswith("-"))


def list_column_keys(query: CustomerQuery) -> list[str]:
    """The id, the columns, and the column that sorts, once each."""
    keys: dict[str, Any] = dict.fromkeys((CUSTOMER_ID, *(metric.key for metric in query.columns), query.order.sort))
    return list(keys)
