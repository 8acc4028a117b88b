"""The members of a run as a list: search by the beginning of the id, sort by any metric, columns to choose, pages by key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
from django.http import QueryDict
from django.utils.translation import gettext as _

from cdp.kinds import METRIC_KINDS
from cdp.metrics import BY_KEY, METRICS, Metric
from cdp_web.layout.facts import get_title, localize
from cdp_web.layout.headings import Heading, Sorting
from cdp_web.layout.templatetags.cdp import column_class
from cdp_web.segments.members import members_at
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.selectors import customer_rows_get, run_snapshot_open
from cdp_web.serving.snapshot_query import LIST_COLUMNS
from cdp_web.serving.snapshot_store import TABLE

PAGE_SIZE = 50
MAX_SEARCH = 100
MAX_COLUMNS = 12
#: Larger segments are listed by id only: a sort reads the ids of all members.
MAX_SORTED = 200_000
ID = "customer_id"
_SECONDS = 10


@dataclass(frozen=True, slots=True)
class MemberQuery:
    search: str = ""
    sort: str = ID
    descending: bool = False
    columns: tuple[Metric, ...] = LIST_COLUMNS
    #: The sorted value, as text, and the id of the last member of the page before.
    after: tuple[str | None, str] | None = None

    def link(self, **changes: Any) -> str:
        values = {
            "q": self.search, "sort": f"{'-' if self.descending else ''}{self.sort}",
            "columns": [] if self.columns == LIST_COLUMNS else [metric.key for metric in self.columns],
        } | changes  # fmt: skip
        return "?" + urlencode({key: value for key, value in values.items() if value}, doseq=True)


@dataclass(frozen=True, slots=True)
class MemberList:
    query: MemberQuery
    run: SegmentRun
    rows: list[dict[str, Any]]
    next_link: str
    can_sort: bool

    @property
    def headings(self) -> list[Heading]:
        """Numbers and days begin with the highest. A large segment is sorted by id alone."""
        query = self.query
        sorting = Sorting(query.sort, query.descending, self._build_link)
        first = sorting.build_heading(ID, _("Customer"), starts_high=False)
        return [
            first,
            *(
                sorting.build_heading(
                    each.key, get_title(each), localize(each.about), column_class(each), starts_high=each.kind != "text"
                )
                for each in query.columns
            ),
        ]

    def _build_link(self, key: str, descending: bool) -> str:
        return self.query.link(sort=f"{'-' if descending else ''}{key}") if self.can_sort or key == ID else ""


def parse_member_query(parameters: QueryDict, run: SegmentRun) -> MemberQuery:
    """Parse the query of an address; raises ValueError if it is invalid. Small segments begin with the greatest revenue."""
    usual = "-total_purchase_value" if (run.count or 0) <= MAX_SORTED else ID
    order = parameters.get("sort", "") or usual
    sort, keys = order.removeprefix("-"), parameters.getlist("columns")[: MAX_COLUMNS + 1]
    if sort != ID and sort not in BY_KEY:
        raise ValueError(f"sort must be {ID} or a metric; a - in front reverses the order.")
    if len(keys) > MAX_COLUMNS or not set(keys) <= set(BY_KEY):
        raise ValueError(f"columns must be at most {MAX_COLUMNS} metrics.")
    if sort != ID and (run.count or 0) > MAX_SORTED:
        raise ValueError(
            _("A segment of more than %(most)s members is sorted by id; export it to sort by a metric.")
            % {"most": f"{MAX_SORTED:,}"}
        )
    columns = tuple(metric for metric in METRICS if metric.key in keys) or LIST_COLUMNS
    search = parameters.get("q", "").replace("\0", "").strip()[:MAX_SEARCH]
    return MemberQuery(search, sort, order.startswith("-"), columns, _parse_after(parameters.get("after", "")))


def member_list_get(run: SegmentRun, query: MemberQuery) -> MemberList:
    """Exactly the members of the run. Raises NotReady if their snapshot can't be read."""
    rows = _read_by_id(run, query) if query.sort == ID else _read_sorted(run, query)
    shown, has_more = rows[:PAGE_SIZE], len(rows) > PAGE_SIZE
    next_link = query.link(after=_write_after(shown[-1], query.sort)) if has_more else ""
    return MemberList(query, run, shown, next_link, (run.count or 0) <= MAX_SORTED)


def _parse_after(text: str) -> tuple[str | None, str] | None:
    if not text:
        return None
    try:
        value, customer_id = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError("after must be that of a page.") from error
    if not isinstance(customer_id, str) or not isinstance(value, str | None):
        raise ValueError("after must be that of a page.")
    return value, customer_id


def _write_after(row: dict[str, Any], sort: str) -> str:
    value = row[sort] if sort != ID else None
    return json.dumps([None if value is None else str(value), row[ID]])


def _read_by_id(run: SegmentRun, query: MemberQuery) -> list[dict[str, Any]]:
    members = members_at(run).filter(customer_id__startswith=query.search) if query.search else members_at(run)
    order = "-customer_id" if query.descending else "customer_id"
    if query.after:
        members = members.filter(**{f"customer_id__{'lt' if query.descending else 'gt'}": query.after[1]})
    ids = list(members.order_by(order).values_list(ID, flat=True)[: PAGE_SIZE + 1])
    rows = {row[ID]: row for row in customer_rows_get(run_snapshot_open(run), ids, _keys(query))} if ids else {}
    return [rows[key] for key in ids if key in rows]


def _read_sorted(run: SegmentRun, query: MemberQuery) -> list[dict[str, Any]]:
    """Customers without a value come last."""
    ids = list(members_at(run).filter(customer_id__startswith=query.search).values_list(ID, flat=True)[: MAX_SORTED + 1])
    where, parameters = _build_after(query)
    direction = "DESC" if query.descending else "ASC"
    columns = ", ".join(dict.fromkeys((ID, *_keys(query), query.sort)))
    with run_snapshot_open(run).open_session(_SECONDS) as session:
        session.cursor.register("listed", pa.table({ID: pa.array(ids, pa.string())}))
        return session.read_rows(
            f"SELECT {columns} FROM {TABLE} SEMI JOIN listed USING ({ID}) WHERE {where}"
            f" ORDER BY {query.sort} {direction} NULLS LAST, {ID} LIMIT {PAGE_SIZE + 1}",
            parameters,
        )


def _build_after(query: MemberQuery) -> tuple[str, Sequence[str]]:
    if query.after is None:
        return "true", []
    value, customer_id = query.after
    if value is None:
        return f"{query.sort} IS NULL AND {ID} > $1", [customer_id]
    edge = f"TRY_CAST($1 AS {METRIC_KINDS[BY_KEY[query.sort].kind].duckdb})"
    sign = "<" if query.descending else ">"
    where = f"({query.sort} {sign} {edge} OR ({query.sort} = {edge} AND {ID} > $2) OR {query.sort} IS NULL)"
    return where, [value, customer_id]


def _keys(query: MemberQuery) -> tuple[str, ...]:
    return tuple(metric.key for metric in query.columns)
