"""Rules and channels in the administration, and the log of deliveries."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from cdp.errors import first_line
from cdp.fraud import BY_KEY, RULE_KINDS, TRIAL_DAYS, TRIAL_SHOWN
from cdp_web.fraud import services
from cdp_web.fraud.channels import NO_MAIL
from cdp_web.fraud.forms import ChannelForm, make_rule_form
from cdp_web.fraud.models import AlertState, Channel, ChannelDelivery, FraudRule
from cdp_web.fraud.trials import HEIGHT, WIDTH, find_missing, trial_report
from cdp_web.fraud.words import KIND_ABOUT, KIND_TITLES
from cdp_web.layout.admin import ReadOnlyMixin


@admin.register(FraudRule)
class FraudRuleAdmin(admin.ModelAdmin):
    """A new rule first gets its kind, because each kind has parameters of its own."""

    list_display = ("name", "sentence", "is_active", "active_since", "changed_by", "changed_at")
    list_filter = ("is_active", "kind")
    list_select_related = ("changed_by",)
    search_fields = ("name",)
    actions = ("switch_on", "switch_off")

    def get_urls(self) -> list[Any]:
        name = "fraud_fraudrule_try"
        return [path("try/", self.admin_site.admin_view(require_POST(self.show_trial)), name=name), *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.GET.get("kind") not in BY_KEY:
            kinds = [(kind, KIND_TITLES[kind.key], KIND_ABOUT[kind.key]) for kind in RULE_KINDS]
            context = {**self.admin_site.each_context(request), "title": _("Add a fraud rule"), "kinds": kinds, "opts": self.opts}
            return TemplateResponse(request, "admin/fraud/fraudrule/kinds.html", context)
        return super().add_view(request, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: FraudRule | None = None, **options: Any) -> Any:
        kind = obj.kind if obj else request.GET["kind"]
        return super().get_form(request, obj, form=make_rule_form(BY_KEY[kind]), **options)

    def get_fields(self, request: HttpRequest, obj: FraudRule | None = None) -> list[str]:
        kind = BY_KEY[obj.kind if obj else request.GET["kind"]]
        return ["name", *(parameter.name for parameter in kind.parameters), "is_active"]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **options: Any) -> HttpResponse:
        obj = options.get("obj")
        kind = BY_KEY[obj.kind if obj else request.GET["kind"]]
        context |= {"rule_kind": kind, "kind_title": KIND_TITLES[kind.key], "kind_about": KIND_ABOUT[kind.key]}
        context |= {"trial_days": TRIAL_DAYS, "missing": find_missing(kind), "show_save_and_add_another": False}
        return super().render_change_form(request, context, *arguments, **options)

    def save_model(self, request: HttpRequest, obj: FraudRule, form: Any, change: bool) -> None:
        services.rule_save(rule=obj, user=request.user)

    def show_trial(self, request: HttpRequest) -> HttpResponse:
        """What the rule in the form would have found, as a part of its page. Nothing is saved."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        kind = BY_KEY.get(request.POST.get("kind", ""))
        if kind is None:
            return HttpResponse(status=400)
        form = make_rule_form(kind)(request.POST)
        form.full_clean()
        names = [parameter.name for parameter in kind.parameters]
        context: dict[str, Any] = {"errors": [(form[name].label, form.errors[name]) for name in names if name in form.errors]}
        if not context["errors"]:
            try:
                with transaction.atomic():
                    context["report"] = trial_report(kind, form.parameters)
            except DatabaseError as error:
                context["failure"] = first_line(error)
        context |= {"days": TRIAL_DAYS, "shown": TRIAL_SHOWN, "width": WIDTH, "height": HEIGHT}
        return render(request, "admin/fraud/fraudrule/trial.html", context)

    @admin.display(description=_("rule"))
    def sentence(self, rule: FraudRule) -> str:
        return rule.sentence

    @admin.action(description=_("Switch the selected rules on"))
    def switch_on(self, request: HttpRequest, rules: QuerySet[FraudRule]) -> None:
        self._switch(request, rules, is_active=True)

    @admin.action(description=_("Switch the selected rules off"))
    def switch_off(self, request: HttpRequest, rules: QuerySet[FraudRule]) -> None:
        self._switch(request, rules, is_active=False)

    def _switch(self, request: HttpRequest, rules: QuerySet[FraudRule], is_active: bool) -> None:
        for rule in rules.exclude(is_active=is_active):
            rule.is_active = is_active
            services.rule_save(rule=rule, user=request.user)


@admin.register(Channel)
class ChannelAdmin(admin.ModelAdmin):
    form = ChannelForm
    list_display = ("name", "kind", "rule", "is_active", "failures", "disabled_reason")
    list_filter = ("kind", "is_active")
    list_select_related = ("rule",)
    search_fields = ("name",)
    actions = ("send_test",)

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        secret = services.channel_save(channel=obj, user=request.user)
        if secret:
            says = _("The secret is %(text)s. Copy it now: it can't be shown again. Your receiver checks signatures with it.")
            self.message_user(request, says % {"text": secret}, messages.WARNING)
        if obj.kind == Channel.Kind.EMAIL and not services.mail_is_configured():
            self.message_user(request, NO_MAIL, messages.WARNING)

    @admin.action(description=_("Send a test message"))
    def send_test(self, request: HttpRequest, channels: QuerySet[Channel]) -> None:
        for channel in channels:
            try:
                services.trial_message_send(channel=channel)
            except ValidationError as error:
                self.message_user(request, " ".join(error.messages), messages.ERROR)
            else:
                self.message_user(request, _("%(name)s gets a test message within seconds.") % {"name": channel.name})


@admin.register(ChannelDelivery)
class ChannelDeliveryAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = (
        "id", "channel", "alert_id", "status", "attempt", "response_status", "response_body", "next_try_at", "sent_at",
        "created_at",
    )  # fmt: skip
    list_filter = ("status", "channel")
    list_select_related = ("channel",)
    actions = ("send_again",)

    @admin.action(description=_("Send the selected deliveries again"), permissions=["view"])
    def send_again(self, request: HttpRequest, deliveries: QuerySet[ChannelDelivery]) -> None:
        for delivery in deliveries.select_related("channel"):
            try:
                services.delivery_resend(delivery=delivery)
            except ValidationError as error:
                self.message_user(request, " ".join(error.messages), messages.ERROR)
            else:
                self.message_user(request, _("Delivery %(id)s is sent again within seconds.") % {"id": delivery.message_id})


@admin.register(AlertState)
class AlertStateAdmin(ReadOnlyMixin, admin.ModelAdmin):
    list_display = ("alert_id", "status", "note", "changed_by", "changed_at")
    list_filter = ("status", "changed_by")
    list_select_related = ("changed_by",)
    search_fields = ("alert_id", "note")
