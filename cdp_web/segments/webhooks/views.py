"""The pages of webhooks: all of them with a form, and one with the log of its deliveries."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cdp_web.accounts.roles import Role, require_role
from cdp_web.layout.pages import parse_whole_number
from cdp_web.segments.models import Segment, Webhook, WebhookDelivery
from cdp_web.segments.webhooks import services


@require_role(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def webhook_list(request: HttpRequest) -> HttpResponse:
    """All webhooks. A posted form adds one; the answer shows its secret, this once."""
    if request.method != "POST":
        return _render_list(request)
    form = {name: request.POST.get(name, "").replace("\0", "") for name in ("name", "url", "segment")}
    try:
        segment_id = _parse_segment(form["segment"])
        webhook = services.webhook_create(name=form["name"], url=form["url"], segment_id=segment_id, created_by=request.user)
    except ValidationError as error:
        return _render_list(request, status=400, form=form, errors=error.message_dict)
    return _render_list(request, status=201, added=webhook)


@require_role(Role.ADMIN)
@require_safe
def webhook_detail(request: HttpRequest, webhook_id: int) -> HttpResponse:
    webhook = webhook_or_404(webhook_id)
    context = {"webhook": webhook, "deliveries": services.deliveries_get_latest(webhook), "shown": services.DELIVERIES_SHOWN}
    return render(request, "segments/webhook.html", context)


@require_role(Role.ADMIN)
@require_POST
def webhook_switch(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Switch a webhook on or off."""
    webhook = webhook_or_404(webhook_id)
    is_active = request.POST.get("active") == "1"
    try:
        services.webhook_update(
            webhook=webhook, name=webhook.name, url=webhook.url, segment_id=webhook.segment_id, is_active=is_active
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        says = _("%(name)s is switched on.") if is_active else _("%(name)s is switched off.")
        messages.success(request, says % {"name": webhook.name})
    return redirect("segments:webhook", webhook_id)


@require_role(Role.ADMIN)
@require_POST
def webhook_delete(request: HttpRequest, webhook_id: int) -> HttpResponse:
    webhook = webhook_or_404(webhook_id)
    services.webhook_delete(webhook=webhook)
    messages.success(request, _("%(name)s is deleted.") % {"name": webhook.name})
    return redirect("segments:webhooks")


@require_role(Role.ADMIN)
@require_POST
def delivery_resend(request: HttpRequest, webhook_id: int, delivery_id: int) -> HttpResponse:
    delivery = get_object_or_404(WebhookDelivery.objects.select_related("webhook"), pk=delivery_id, webhook_id=webhook_id)
    try:
        services.delivery_resend(delivery=delivery)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("Delivery %(id)s is sent again within seconds.") % {"id": delivery.message_id})
    return redirect("segments:webhook", webhook_id)


def webhook_or_404(webhook_id: int) -> Webhook:
    webhook = services.webhook_get(webhook_id)
    if webhook is None:
        raise Http404(_("There is no webhook %(id)s.") % {"id": webhook_id})
    return webhook


def _parse_segment(text: str) -> int | None:
    if not text:
        return None
    number = parse_whole_number(text)
    if number is None:
        raise ValidationError({"segment": _("Choose one of the segments.")})
    return number


def _render_list(request: HttpRequest, status: int = 200, **values: Any) -> HttpResponse:
    errors = values.pop("errors", {})
    context = {
        "webhooks": services.webhooks_list(),
        "segments": Segment.objects.filter(archived_at=None).order_by("name"),
        "errors": errors,
        "general_errors": errors.get(NON_FIELD_ERRORS, []),
        **values,
    }
    return render(request, "segments/webhooks.html", context, status=status)
