"""Why a customer is in a segment or not, the way back to an earlier rule, and the overlap of segments."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cdp_web.layout.pages import answer_bad_request, parse_whole_number
from cdp_web.names.people import people_get
from cdp_web.segments import services
from cdp_web.segments.explain_customer import is_member_at, segment_explain_customer
from cdp_web.segments.models import Segment
from cdp_web.segments.overlap import MAX_SEGMENTS, segments_overlap
from cdp_web.segments.rules import RuleInvalid
from cdp_web.segments.selectors import segment_or_404
from cdp_web.segments.versions import version_or_404
from cdp_web.serving.publications import publication_get_for_request
from cdp_web.serving.snapshot_query import snapshot_open


@require_safe
def segment_explain_page(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Why a customer is in the segment or not. An unknown customer is a 404 with the form to try again."""
    segment = segment_or_404(segment_id)
    customer_id = request.GET.get("customer", "").replace("\0", "").strip()
    context: dict[str, object] = {"segment": segment, "customer_id": customer_id}
    if not customer_id:
        return render(request, "segments/explain.html", context)
    publication = publication_get_for_request(request)
    try:
        explanation = segment_explain_customer(snapshot_open(publication), segment, customer_id)
    except RuleInvalid as error:
        return render(request, "segments/explain.html", {**context, "error": str(error)}, status=400)
    if explanation is None:
        says = _("There is no customer with the ID “%(id)s”.") % {"id": customer_id}
        return render(request, "segments/explain.html", {**context, "error": says}, status=404)
    member = is_member_at(segment.current_run, customer_id)
    context |= {"explanation": explanation, "member": member, "people": people_get(request.user, [customer_id])}
    return render(request, "segments/explain.html", context)


@require_POST
def segment_revert(request: HttpRequest, segment_id: int, number: int) -> HttpResponse:
    """Save an earlier rule as a new version. The form has the version that its reader saw."""
    segment = segment_or_404(segment_id)
    version_or_404(segment, number)
    current = parse_whole_number(request.POST.get("version", ""))
    if current is None:
        return answer_bad_request(request, "version must be the number of the version that you saw.")
    try:
        newest = services.segment_revert(segment_id=segment_id, number=number, expected_version=current, author=request.user)
    except services.EditConflict as error:
        messages.error(request, str(error))
    except RuleInvalid as error:
        messages.error(request, _("Version %(number)s can't be used any more: %(error)s") % {"number": number, "error": error})
    else:
        says = _("The rule of version %(number)s is version %(newest)s now.")
        messages.success(request, says % {"number": number, "newest": newest.version})
    return redirect("segments:rule", segment_id)


@require_safe
def segments_overlap_page(request: HttpRequest) -> HttpResponse:
    """Up to three segments to choose; the table appears once two are chosen."""
    texts = [text for text in request.GET.getlist("segment") if text][:MAX_SEGMENTS]
    ids = [number for text in texts if (number := parse_whole_number(text))]
    choices = Segment.objects.filter(archived_at=None).order_by("name").values("pk", "name")
    slots = [ids[position] if position < len(ids) else None for position in range(MAX_SEGMENTS)]
    context: dict[str, object] = {"choices": list(choices), "slots": slots}
    if len(texts) < 2 and len(ids) == len(texts):
        return render(request, "segments/overlap.html", context)
    try:
        return render(request, "segments/overlap.html", {**context, "overlap": segments_overlap(ids)})
    except ValidationError as error:
        return render(request, "segments/overlap.html", {**context, "error": " ".join(error.messages)}, status=400)
