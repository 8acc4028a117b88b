"""Creates and changes uploaded lists of customer ids. A change is one transaction: where it fails, the old ids stay. Segments
that use a changed list, directly or through other segments, get a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cdp_web.layout.facts import localize
from cdp_web.segments.list_selectors import lists_get, match_get
from cdp_web.segments.models import CustomerList, ListMember, Segment
from cdp_web.segments.runs import segment_run_request
from cdp_web.segments.selectors import list_get_dependents, list_get_users
from cdp_web.segments.uploads import Upload, UploadInvalid
from cdp_web.serving.errors import NothingPublished

MAX_IDS = 100_000
MAX_LISTS = 1000
#: Refused lines that the report names.
LINES_SHOWN = 10
_MEMBERS = ListMember._meta.db_table
_INSERT = f"""
    INSERT INTO {_MEMBERS} (list_id, customer_id)
    SELECT DISTINCT %(list)s::bigint, customer_id FROM uploaded_ids ON CONFLICT DO NOTHING"""
_DELETE = f"""
    DELETE FROM {_MEMBERS} m WHERE m.list_id = %(list)s
    AND {{}} EXISTS (SELECT FROM uploaded_ids u WHERE u.customer_id = m.customer_id)"""

Change = Literal["create", "replace", "append", "remove"]


class TooManyIds(ValueError):
    """The list would have more ids than a list may have."""

    code = "too_many_ids"

    def __init__(self, count: int) -> None:
        super().__init__(
            _("The list would have %(count)s different ids; a list may have %(most)s. Split it into two lists.")
            % {"count": f"{count:,}", "most": f"{MAX_IDS:,}"}
        )
        self.count = count
        self.limit = MAX_IDS


class ListInUse(ValueError):
    """Segments refer to the list, so it can't be deleted."""

    def __init__(self, customer_list: CustomerList, users: list[Segment]) -> None:
        names = ", ".join(each.name for each in users)
        super().__init__(
            _("%(name)s is used by %(names)s. Take it out of their rules first.") % {"name": customer_list.name, "names": names}
        )
        self.users = users


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    ids: int = 0
    refused: int = 0
    refused_lines: list[dict[str, Any]] = field(default_factory=list)


def list_create(*, name: str, upload: Upload, owner: Any = None) -> CustomerList:
    with transaction.atomic():
        if CustomerList.objects.count() >= MAX_LISTS:
            raise ValidationError(
                {
                    NON_FIELD_ERRORS: _("There are %(count)s lists already; delete one that you do not need.")
                    % {"count": MAX_LISTS}
                }
            )
        customer_list = CustomerList(name=name.strip(), owner=owner, version=0)
        customer_list.full_clean()
        customer_list.save()
        _write(customer_list, upload, "create")
    return match_update(customer_list)


def list_replace(*, customer_list: CustomerList, upload: Upload, author: Any = None) -> CustomerList:
    """The list then contains the ids of the upload only."""
    return _change(customer_list, upload, "replace", author)


def list_append(*, customer_list: CustomerList, upload: Upload, author: Any = None) -> CustomerList:
    """Add the ids of the upload that the list does not contain."""
    return _change(customer_list, upload, "append", author)


def list_remove_ids(*, customer_list: CustomerList, upload: Upload, author: Any = None) -> CustomerList:
    """Take the ids of the upload out of the list; ids that it does not contain are ignored."""
    return _change(customer_list, upload, "remove", author)


@transaction.atomic
def list_delete(*, customer_list: CustomerList) -> None:
    CustomerList.objects.select_for_update().get(pk=customer_list.pk)
    users = list_get_users(customer_list.pk)
    if users:
        raise ListInUse(customer_list, users)
    customer_list.delete()


def match_update(customer_list: CustomerList) -> CustomerList:
    """Store how many ids are customers of the serving publication. Does nothing while the customers can't be read."""
    match = match_get(customer_list)
    if match is not None:
        customer_list.report = customer_list.report | match.as_json()
        # An upload in the meantime has a report of its own.
        same_upload = CustomerList.objects.filter(pk=customer_list.pk, version=customer_list.version)
        same_upload.update(report=customer_list.report)
    return customer_list


def matches_update() -> None:
    """As above for every list, after a publication."""
    for customer_list in lists_get():
        match_update(customer_list)


def _change(customer_list: CustomerList, upload: Upload, change: Change, author: Any) -> CustomerList:
    with transaction.atomic():
        customer_list = CustomerList.objects.select_for_update().get(pk=customer_list.pk)
        _write(customer_list, upload, change)
        _request_runs(customer_list, author)
    return match_update(customer_list)


def _write(customer_list: CustomerList, upload: Upload, change: Change) -> None:
    """Store the ids, the count and the report, in the caller's transaction."""
    with connection.cursor() as cursor:
        tally = _stage(cursor, upload)
        values = {"list": customer_list.pk}
        added = removed = 0
        if change in ("replace", "remove"):
            cursor.execute(_DELETE.format("NOT" if change == "replace" else ""), values)
            removed = cursor.rowcount
        if change != "remove":
            cursor.execute(_INSERT, values)
            added = cursor.rowcount
    customer_list.count += added - removed
    if customer_list.count > MAX_IDS:
        raise TooManyIds(customer_list.count)
    customer_list.version += 1
    customer_list.report = {
        "change": change, "column": upload.column, "rows": tally.rows, "ids": tally.ids,
        "repeated": tally.rows - tally.refused - tally.ids, "refused": tally.refused, "refused_lines": tally.refused_lines,
        "added": added, "removed": removed, "matched": None, "unknown": None, "unknown_ids": [], "publication": None,
    }  # fmt: skip
    customer_list.save()


def _stage(cursor: Any, upload: Upload) -> _Tally:
    """Copy the ids of the upload into a temporary table of this transaction."""
    tally = _Tally()
    cursor.execute("DROP TABLE IF EXISTS pg_temp.uploaded_ids")
    cursor.execute('CREATE TEMP TABLE uploaded_ids (customer_id text COLLATE "C" NOT NULL) ON COMMIT DROP')
    with cursor.copy("COPY uploaded_ids FROM STDIN") as copy:
        for row in upload.rows:
            tally.rows += 1
            if not row.problem:
                copy.write_row((row.customer_id,))
                continue
            tally.refused += 1
            if len(tally.refused_lines) < LINES_SHOWN:
                tally.refused_lines.append({"line": row.line, "id": row.shown, "says": row.problem})
    cursor.execute("ANALYZE uploaded_ids")
    cursor.execute("SELECT count(DISTINCT customer_id) FROM uploaded_ids")
    (tally.ids,) = cursor.fetchone()
    _refuse_unusable(tally)
    return tally


def _refuse_unusable(tally: _Tally) -> None:
    if tally.ids > MAX_IDS:
        raise TooManyIds(tally.ids)
    if tally.refused_lines and not tally.ids:
        first = tally.refused_lines[0]
        raise UploadInvalid(
            _("The upload contains no valid id. Line %(line)s %(says)s.")
            % {"line": first["line"], "says": localize(first["says"])},
            first["line"],
        )
    if not tally.ids:
        raise UploadInvalid(_("The upload contains no id."))


def _request_runs(customer_list: CustomerList, requested_by: Any) -> None:
    """In the order of their ids, so two changes at the same time do not wait for each other's locks."""
    try:
        for segment in list_get_dependents(customer_list.pk):
            segment_run_request(segment=segment, requested_by=requested_by)
    except NothingPublished:
        return  # the refresh after the first night computes them
