"""The customers of a list as a file, in the order of the list and with its columns."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from django.core.exceptions import ValidationError
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cdp_web.accounts.audit import audit_record
from cdp_web.accounts.roles import Role, require_personal_data, require_role
from cdp_web.customers.errors import show_list_errors
from cdp_web.customers.listing import CustomerQuery, ListingError, parse_query
from cdp_web.customers.saved_views import write_parameters
from cdp_web.customers.selectors import keys_get, selection_open
from cdp_web.layout import formats
from cdp_web.segments.export.files import CONTENT_TYPES, generate_lines, write_parquet_file
from cdp_web.segments.export.options import PERSONAL_COLUMNS, asks_for_people, parse_format
from cdp_web.segments.export.rows import CHUNK, add_people, build_metrics_schema
from cdp_web.serving.publications import publication_get_for_request
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open
from cdp_web.serving.snapshot_store import KEY, TABLE

MAX_ROWS = 1_000_000
SECONDS = 60


@require_role(Role.ANALYST)
@require_safe
@show_list_errors
def customer_export(request: HttpRequest) -> HttpResponseBase:
    try:
        file_format, is_personal = parse_format(request.GET), asks_for_people(request.GET)
    except ValidationError as error:
        raise ListingError(" ".join(error.messages)) from error
    if is_personal:
        require_personal_data(request.user)
    publication = publication_get_for_request(request)
    query, snapshot = parse_query(request.GET), snapshot_open(publication)
    keys = export_keys_get(snapshot, query)
    details = {"list": write_parameters(query), "rows": len(keys), "format": file_format, "publication": publication.id}
    audit_record("export", "customers", details=details | {"personal": is_personal})
    schema = build_metrics_schema(query.columns, PERSONAL_COLUMNS if is_personal else ())
    chunks = generate_chunks(snapshot, keys, schema)
    response: StreamingHttpResponse
    if file_format == "csv":
        response = StreamingHttpResponse(generate_lines(schema.names, chunks), content_type=CONTENT_TYPES["csv"])
    else:
        file = write_parquet_file(schema, chunks)
        response = FileResponse(file, content_type=CONTENT_TYPES["parquet"])
    response["Content-Disposition"] = f'attachment; filename="customers-{publication.day}.{file_format}"'
    response["X-Export-Rows"] = str(len(keys))
    return response


def export_keys_get(snapshot: Snapshot, query: CustomerQuery, most: int = MAX_ROWS) -> list[int]:
    with selection_open(snapshot, query, SECONDS) as selection:
        keys = keys_get(selection, query, most + 1)
    if len(keys) > most:
        raise ListingError(_("An export has at most %(most)s customers. Add a filter.") % {"most": formats.count(most)})
    return keys


def generate_chunks(snapshot: Snapshot, keys: list[int], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of these customers. Each chunk is a query of its own, so a slow reader blocks nothing."""
    is_personal = PERSONAL_COLUMNS[0] in schema.names
    columns = ", ".join(name for name in schema.names if name not in PERSONAL_COLUMNS)
    places = f"(SELECT unnest($1) AS {KEY}, generate_subscripts($1, 1) AS place)"
    sql = f"SELECT {columns} FROM {places} JOIN {TABLE} USING ({KEY}) ORDER BY place"
    for start in range(0, len(keys), CHUNK):
        with snapshot.open_session(SECONDS) as session:
            table = session.read_table(sql, [keys[start : start + CHUNK]])
        yield (add_people(table) if is_personal else table).select(schema.names).cast(schema)
