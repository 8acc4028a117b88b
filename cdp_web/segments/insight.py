"""The pages about a segment: why a customer is in it or not, its versions, its history, and its overlap with others."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from cdp_web.layout.pages import answer_bad_request, parse_whole_number
from cdp_web.segments import services
from cdp_web.segments.explain_customer import is_member_at, segment_explain_customer
from cdp_web.segments.rules import RuleInvalid
from cdp_web.segments.versions import version_or_404, versions_get
from cdp_web.segments.views import segment_or_404
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
        says = f"There is no customer {customer_id} in publication {publication.id}."
        return render(request, "segments/explain.html", {**context, "error": says}, status=404)
    member = is_member_at(segment.current_run, customer_id)
    return render(request, "segments/explain.html", {**context, "explanation": explanation, "member": member})


@require_safe
def segment_versions_page(request: HttpRequest, segment_id: int) -> HttpResponse:
    segment = segment_or_404(segment_id)
    return render(request, "segments/versions.html", {"segment": segment, "entries": versions_get(segment)})


@require_POST
def segment_revert(request: HttpRequest, segment_id: int, number: int) -> HttpResponse:
    """Save an earlier rule as a new version. The form has the version that its reader saw."""
    segment = segment_or_404(segment_id)
    version_or_404(segment, number)
    current = parse_whole_number(request.POST.get("version", ""))
    if current is None:
        return answer_bad_request(request, "version must be the number of the version that you saw.")
    try:
        reverted = services.segment_revert(segment_id=segment_id, number=number, expected_version=current, author=request.user)
    except services.EditConflict as error:
        messages.error(request, str(error))
    except RuleInvalid as error:
        messages.error(request, f"Version {number} can't be used any more: {error}")
    else:
        messages.success(request, f"The rule of version {number} is version {reverted.version} now.")
    return redirect("segments:versions", segment_id)
