"""The pages of uploaded lists: all of them, a new one, and one with its report and its forms."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cdp_web.accounts.audit import audit_record
from cdp_web.layout.spreadsheets import escape_formula
from cdp_web.segments import lists
from cdp_web.segments.list_selectors import ids_iterate, list_get, lists_get
from cdp_web.segments.models import CustomerList, Segment
from cdp_web.segments.selectors import list_get_users, lists_get_users
from cdp_web.segments.uploads import Upload, UploadInvalid, read_stream, read_text

#: What the form of a list offers, and the service that does it.
CHANGES = {"replace": lists.list_replace, "append": lists.list_append, "remove": lists.list_remove_ids}
_TABLES = (".csv", ".tsv")
_LIMITS = {"most_ids": lists.MAX_IDS}


@dataclass(frozen=True, slots=True)
class ListRow:
    customer_list: CustomerList
    users: list[Segment]


@dataclass(slots=True)
class Draft:
    """The content of a form: as posted, with errors by field."""

    name: str = ""
    ids: str = ""
    change: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)


@require_safe
def list_index(request: HttpRequest) -> HttpResponse:
    users = lists_get_users()
    rows = [ListRow(each, users.get(each.pk, [])) for each in lists_get()]
    return render(request, "segments/lists.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
def list_new(request: HttpRequest) -> HttpResponse:
    draft = _read_draft(request)
    if request.method == "POST":
        created = _save(request, draft)
        if created:
            return redirect("segments:list-detail", created.pk)
    status = 400 if draft.errors else 200
    return render(request, "segments/list_new.html", {"draft": draft, **_LIMITS}, status=status)


@require_safe
def list_detail(request: HttpRequest, list_id: int) -> HttpResponse:
    return _render_detail(request, _list_or_404(list_id), Draft())


@require_POST
def list_change(request: HttpRequest, list_id: int) -> HttpResponse:
    customer_list, draft = _list_or_404(list_id), _read_draft(request)
    changed = _save(request, draft, customer_list)
    if changed is None:
        return _render_detail(request, customer_list, draft)
    messages.success(request, _("%(name)s is changed. Segments that use it are computed again.") % {"name": changed.name})
    return redirect("segments:list-detail", list_id)


@require_POST
def list_delete(request: HttpRequest, list_id: int) -> HttpResponse:
    customer_list = _list_or_404(list_id)
    try:
        lists.list_delete(customer_list=customer_list)
    except lists.ListInUse as error:
        messages.error(request, str(error))
        return redirect("segments:list-detail", list_id)
    messages.success(request, _("%(name)s is deleted.") % {"name": customer_list.name})
    return redirect("segments:lists")


@require_safe
def list_download(request: HttpRequest, list_id: int) -> StreamingHttpResponse:
    """A CSV that can be uploaded again."""
    customer_list = _list_or_404(list_id)
    audit_record("export", customer_list, details={"format": "csv", "rows": customer_list.count})
    headers = {"Content-Disposition": f'attachment; filename="{slugify(customer_list.name) or "list"}.csv"'}
    return StreamingHttpResponse(_generate_lines(list_id), content_type="text/csv; charset=utf-8", headers=headers)


def _generate_lines(list_id: int) -> Iterator[str]:
    yield "customer_id\r\n"
    for customer_id in ids_iterate(list_id):
        line = io.StringIO()
        csv.writer(line).writerow((escape_formula(customer_id),))
        yield line.getvalue()


def _read_draft(request: HttpRequest) -> Draft:
    # Postgres refuses NUL characters, and no keyboard writes one.
    name, ids, change = (request.POST.get(key, "").replace("\0", "") for key in ("name", "ids", "change"))
    return Draft(name, ids, change)


def _save(request: HttpRequest, draft: Draft, customer_list: CustomerList | None = None) -> CustomerList | None:
    """Create or change the list, or write the reasons why not into the draft."""
    try:
        upload = _read_upload(request, draft)
        if customer_list is None:
            return lists.list_create(name=draft.name, upload=upload, owner=request.user)
        if draft.change not in CHANGES:
            raise ValidationError({"change": _("Choose what to do with the ids.")})
        return CHANGES[draft.change](customer_list=customer_list, upload=upload, author=request.user)
    except ValidationError as error:
        # A constraint finds a duplicate name, and constraints belong to no field.
        draft.errors = {("name" if key == NON_FIELD_ERRORS else key): texts for key, texts in error.message_dict.items()}
    except (UploadInvalid, lists.TooManyIds) as error:
        draft.errors = {"ids": [str(error)]}
    return None


def _read_upload(request: HttpRequest, draft: Draft) -> Upload:
    file, has_text = request.FILES.get("file"), bool(draft.ids.strip())
    if file and has_text:
        raise ValidationError({"ids": _("Choose a file or paste ids, not both.")})
    if file:
        return read_stream(file, is_table=(file.name or "").lower().endswith(_TABLES))
    if not has_text:
        raise ValidationError({"ids": _("Choose a file or paste ids.")})
    return read_text(draft.ids)


def _render_detail(request: HttpRequest, customer_list: CustomerList, draft: Draft) -> HttpResponse:
    context = {"customer_list": customer_list, "users": list_get_users(customer_list.pk), "draft": draft, **_LIMITS}
    return render(request, "segments/list_detail.html", context, status=400 if draft.errors else 200)


def _list_or_404(list_id: int) -> CustomerList:
    customer_list = list_get(list_id)
    if customer_list is None:
        raise Http404(_("There is no list %(id)s.") % {"id": list_id})
    return customer_list
