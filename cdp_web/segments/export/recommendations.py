"""What the members of a segment get recommended as a file: one row per member, as tools for e-mail take it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.text import slugify
from django.utils.translation import gettext as _

from cdp_web.layout.pages import parse_whole_number
from cdp_web.names.selectors import Names
from cdp_web.segments.export.options import Format, Ids, parse_format, parse_ids
from cdp_web.segments.export.rows import CHUNK, CUSTOMER_ID, ExportBroken, NothingToExport, hash_id
from cdp_web.segments.keyset import member_ids_get_after
from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.selectors import run_snapshot_open
from cdp_web.serving.recommendations import Recommendations
from cdp_web.serving.recommended_lists import RecommendedList, list_names_get, lists_read, recommendations_require
from cdp_web.serving.snapshot_query import Snapshot

#: Products of a row, and the most that one may have: an e-mail shows a few.
PRODUCTS, MAX_PRODUCTS = 5, 20
_OF_PLACE = ("product_{}", "product_{}_name", "category_{}", "category_{}_name")


@dataclass(frozen=True, slots=True)
class ListOptions:
    format: Format = "csv"
    ids: Ids = "plain"
    products: int = PRODUCTS


@dataclass(frozen=True, slots=True)
class ListExport:
    """The current members with the newest recommendations."""

    segment: Segment
    run: SegmentRun
    recommendations: Recommendations
    options: ListOptions

    @property
    def columns(self) -> list[str]:
        places = range(1, self.options.products + 1)
        of_places = (name.format(place) for place in places for name in _OF_PLACE)
        return [CUSTOMER_ID, "top_category", "top_category_name", *of_places]

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(name, pa.string()) for name in self.columns])

    @property
    def file_name(self) -> str:
        name = slugify(self.segment.name) or "segment"
        return f"{name}-recommendations-{slugify(self.recommendations.publication)}-run-{self.run.pk}.{self.options.format}"


def parse_list_options(parameters: QueryDict) -> ListOptions:
    """Raises ValidationError for a parameter that is wrong."""
    text = parameters.get("products") or str(PRODUCTS)
    products = parse_whole_number(text)
    if products is None or not 1 <= products <= MAX_PRODUCTS:
        raise ValidationError({"products": f"products must be a number from 1 to {MAX_PRODUCTS}."})
    return ListOptions(parse_format(parameters), parse_ids(parameters), products)


def list_export_open(segment: Segment, options: ListOptions) -> ListExport:
    """Raises NothingToExport without a complete run, and NoRecommendations before the first publication of them."""
    if segment.current_run is None:
        raise NothingToExport(_("The segment has no complete run to export."))
    return ListExport(segment, segment.current_run, recommendations_require(), options)


def open_list_chunks(export: ListExport) -> Iterator[pa.Table]:
    """All rows, sorted by customer id. Opens the snapshot at once, so an error appears before the file starts."""
    return _generate_chunks(export, run_snapshot_open(export.run))


def _generate_chunks(export: ListExport, snapshot: Snapshot) -> Iterator[pa.Table]:
    after, count = "", 0
    while ids := member_ids_get_after(export.run, after, CHUNK):
        yield _build_table(export, lists_read(snapshot, export.recommendations, ids, export.options.products))
        after, count = ids[-1], count + len(ids)
    if count != export.run.count:
        raise ExportBroken(f"Run {export.run.pk} has {export.run.count} members, but {count} were read; export it again.")


def _build_table(export: ListExport, lists: list[RecommendedList]) -> pa.Table:
    names = list_names_get(lists)
    rows = [_build_row(export, each, names) for each in lists]
    return pa.Table.from_pylist([dict(zip(export.columns, row, strict=False)) for row in rows], export.schema)


def _build_row(export: ListExport, each: RecommendedList, names: Names) -> list[str | None]:
    customer_id = hash_id(each.customer_id) if export.options.ids == "sha256" else each.customer_id
    row = [customer_id, each.top_category, names.categories.get(each.top_category or "")]
    for place in each.places:
        row += [
            place.product_id, names.products.get(place.product_id), place.category, names.categories.get(place.category or ""),
        ]  # fmt: skip
    return row
