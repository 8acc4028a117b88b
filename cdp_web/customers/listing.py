"""The customer list: search, filter, sort and page over the snapshot. The number of pages is limited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cdp.metrics import LIFECYCLES
from cdp_web.layout.pages import parse_whole_number
from cdp_web.serving.snapshot_query import LIST_COLUMNS, Snapshot
from cdp_web.serving.snapshot_store import TABLE

PAGE_SIZE = 50
MAX_PAGES = 200
MAX_SEARCH = 100
SORTS = ("customer_id", *(metric.key for metric in LIST_COLUMNS))
DEFAULT_SORT = "total_purchase_value"


class ListingError(ValueError):
    """The parameters of a list are invalid; the message lists the valid ones."""


@dataclass(frozen=True, slots=True)
class CustomerQuery:
    search: str = ""
    lifecycle: str = ""
    sort: str = DEFAULT_SORT
    descending: bool = True
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        return bool(self.search or self.lifecycle)


@dataclass(frozen=True, slots=True)
class CustomerPage:
    query: CustomerQuery
    rows: list[dict[str, Any]]
    total: int

    @property
    def pages(self) -> int:
        return min(MAX_PAGES, max(1, -(-self.total // PAGE_SIZE)))

    @property
    def first(self) -> int:
        return (self.query.page - 1) * PAGE_SIZE + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1 if self.rows else 0

    @property
    def is_cut(self) -> bool:
        """Not all customers can be reached by paging."""
        return self.total > MAX_PAGES * PAGE_SIZE


def parse_query(parameters: Mapping[str, str]) -> CustomerQuery:
    """Parse the query of an address; raises ListingError if it is invalid."""
    search, lifecycle = parameters.get("q", "").strip(), parameters.get("lifecycle", "")
    order = parameters.get("sort", "") or f"-{DEFAULT_SORT}"
    sort, page = order.removeprefix("-"), parse_whole_number(parameters.get("page", "") or "1", MAX_PAGES)
    if len(search) > MAX_SEARCH:
        raise ListingError(f"q is longer than {MAX_SEARCH} characters.")
    if lifecycle and lifecycle not in LIFECYCLES:
        raise ListingError(f"lifecycle must be one of {', '.join(LIFECYCLES)}.")
    if sort not in SORTS:
        raise ListingError(f"sort must be one of {', '.join(SORTS)}; a - in front reverses the order.")
    if page is None:
        raise ListingError(f"page must be a number from 1 to {MAX_PAGES}; search or filter to see other customers.")
    return CustomerQuery(search, lifecycle, sort, order.startswith("-"), page)


def customer_page_get(snapshot: Snapshot, query: CustomerQuery) -> CustomerPage:
    where, parameters = _build_where(query)
    total = int(snapshot.read_row(f"SELECT count(*) FROM {TABLE} WHERE {where}", parameters)[0])
    columns = ", ".join(("customer_id", *(metric.key for metric in LIST_COLUMNS)))
    direction = "DESC" if query.descending else "ASC"
    rows = snapshot.read_rows(
        f"SELECT {columns} FROM {TABLE} WHERE {where} "
        f"ORDER BY {query.sort} {direction} NULLS LAST, customer_id LIMIT {PAGE_SIZE} OFFSET {(query.page - 1) * PAGE_SIZE}",
        parameters,
    )
    return CustomerPage(query, rows, total)


def _build_where(query: CustomerQuery) -> tuple[str, list[str]]:
    conditions, parameters = ["true"], []
    if query.search:
        conditions.append("starts_with(customer_id, ?)")
        parameters.append(query.search)
    if query.lifecycle:
        conditions.append("lifecycle = ?")
        parameters.append(query.lifecycle)
    return " AND ".join(conditions), parameters
