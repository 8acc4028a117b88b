"""The list of segments: search, filter, sort and pages, with the sizes of the last 30 days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, OrderBy, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cdp_web.layout.headings import Heading, Sorting
from cdp_web.layout.pages import parse_whole_number
from cdp_web.segments.models import MAX_SEGMENTS, Segment, SegmentSize
from cdp_web.segments.selectors import capitalize_sentence, names_get, segment_describe, segment_list
from cdp_web.segments.size_line import build_points

PAGE_SIZE = 50
MAX_SEARCH = 100
#: Days of the small line.
LINE_DAYS = 30
#: Key of a column -> its title and the field that sorts it. A dash: the first click sorts in descending order.
COLUMNS: Mapping[str, tuple[Promise | str, str]] = {
    "name": (_("Segment"), "name"),
    "size": (_("Customers"), "-current_run__count"),
    "owner": (_("Owner"), "owner__username"),
    "updated": (_("Changed"), "-updated_at"),
}
CSS = {"size": "number"}
DEFAULT_SORT = "name"


@dataclass(frozen=True, slots=True)
class SegmentQuery:
    search: str = ""
    tag: str = ""
    owner: str = ""
    sort: str = DEFAULT_SORT
    descending: bool = False
    archived: bool = False
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        return bool(self.search or self.tag or self.owner)

    def link(self, **changes: Any) -> str:
        """The address of the list with these changes."""
        values = {
            "q": self.search, "tag": self.tag, "owner": self.owner, "sort": f"{'-' if self.descending else ''}{self.sort}",
            "archived": "1" if self.archived else "", "page": "",
        } | changes  # fmt: skip
        values["sort"] = "" if values["sort"] == DEFAULT_SORT else values["sort"]
        return "?" + urlencode({key: value for key, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class SegmentRow:
    segment: Segment
    sentence: str
    points: str
    #: Members now less members at the beginning of the line; None without a line.
    change: int | None


@dataclass(frozen=True, slots=True)
class SegmentPage:
    query: SegmentQuery
    rows: list[SegmentRow]
    total: int
    owners: list[str]
    tags: list[str]

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def first(self) -> int:
        return (self.query.page - 1) * PAGE_SIZE + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1 if self.rows else 0

    @property
    def headings(self) -> list[Heading]:
        query = self.query
        sorting = Sorting(
            query.sort, query.descending, lambda key, descending: query.link(sort=f"{'-' if descending else ''}{key}")
        )
        return [
            sorting.build_heading(key, title, css=CSS.get(key, f"column-{key}"), starts_high=field.startswith("-"))
            for key, (title, field) in COLUMNS.items()
        ]

    @property
    def previous_link(self) -> str:
        return self.query.link(page=self.query.page - 1) if self.query.page > 1 else ""

    @property
    def next_link(self) -> str:
        return self.query.link(page=self.query.page + 1) if self.query.page < self.pages else ""


def parse_segment_query(parameters: Mapping[str, str]) -> SegmentQuery:
    """Parse the query of an address; raises ValueError if it is invalid."""
    order = parameters.get("sort", "") or DEFAULT_SORT
    sort, page = order.removeprefix("-"), parse_whole_number(parameters.get("page", "") or "1", MAX_SEGMENTS)
    if sort not in COLUMNS:
        raise ValueError(f"sort must be one of {', '.join(COLUMNS)}; a - in front reverses the order.")
    if page is None:
        raise ValueError(f"page must be a number from 1 to {MAX_SEGMENTS}.")
    search, tag, owner = (parameters.get(name, "").replace("\0", "").strip()[:MAX_SEARCH] for name in ("q", "tag", "owner"))
    return SegmentQuery(search, tag, owner, sort, order.startswith("-"), parameters.get("archived") == "1", page)


def segment_page_get(query: SegmentQuery) -> SegmentPage:
    every = segment_list(archived=query.archived)
    matching = _filter(every, query)
    start = (query.page - 1) * PAGE_SIZE
    segments = list(matching.order_by(*_order(query))[start : start + PAGE_SIZE])
    facets = list(every.order_by().values_list("owner__username", "tags")[:MAX_SEGMENTS])
    return SegmentPage(
        query,
        _build_rows(segments),
        matching.count(),
        sorted({owner for owner, _tags in facets if owner}),
        sorted({tag for _owner, tags in facets for tag in tags}),
    )


def sizes_get_recent(segments: list[Segment]) -> dict[int, list[SegmentSize]]:
    """The sizes of the last 30 days by segment, one per day: that of the newest version."""
    newest = SegmentSize.objects.filter(segment__in=segments).order_by("-day").values_list("day", flat=True).first()
    if newest is None:
        return {}
    first = newest - timedelta(days=LINE_DAYS - 1)
    sizes = SegmentSize.objects.filter(segment__in=segments, day__gte=first).order_by("segment_id", "day", "version")
    by_day = {(size.segment_id, size.day): size for size in sizes}
    result: dict[int, list[SegmentSize]] = {}
    for (segment_id, _day), size in by_day.items():
        result.setdefault(segment_id, []).append(size)
    return result


def _filter(segments: QuerySet[Segment], query: SegmentQuery) -> QuerySet[Segment]:
    for word in query.search.split():
        segments = segments.filter(Q(name__icontains=word) | Q(description__icontains=word) | Q(tags__icontains=word.lower()))
    if query.tag:
        segments = segments.filter(tags__contains=[query.tag])
    if query.owner:
        segments = segments.filter(owner__username=query.owner)
    return segments


def _order(query: SegmentQuery) -> tuple[OrderBy, str]:
    field = F(COLUMNS[query.sort][1].removeprefix("-"))
    return (field.desc(nulls_last=True) if query.descending else field.asc(nulls_last=True)), "pk"


def _build_rows(segments: list[Segment]) -> list[SegmentRow]:
    names, sizes = names_get(segments), sizes_get_recent(segments)
    return [
        _build_row(segment, capitalize_sentence(segment_describe(segment, names)), sizes.get(segment.pk, []))
        for segment in segments
    ]


def _build_row(segment: Segment, sentence: str, sizes: list[SegmentSize]) -> SegmentRow:
    change = sizes[-1].count - sizes[0].count if len(sizes) > 1 else None
    return SegmentRow(segment, sentence, build_points(sizes) if len(sizes) > 1 else "", change)
