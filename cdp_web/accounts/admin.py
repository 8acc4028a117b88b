"""Users with their role, groups, tokens, and locked logins."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cdp_web.accounts import admin_audit
from cdp_web.accounts.audit import audit_record
from cdp_web.accounts.lockout import lock_get_end
from cdp_web.accounts.models import ApiToken
from cdp_web.accounts.roles import Role, find_greatest, read_role
from cdp_web.accounts.services import user_set_role
from cdp_web.accounts.tokens import EXPIRY_DAYS, token_create
from cdp_web.layout import formats
from cdp_web.layout.admin import ReadOnlyMixin

__all__ = ["admin_audit"]

ROLES = [(role.value, role.value) for role in Role]
admin.site.unregister(User)
admin.site.unregister(Group)


class RoleMixin(forms.Form):
    role = forms.ChoiceField(choices=ROLES, initial=Role.VIEWER, help_text=_("Superusers are admins whatever this says."))


class NewUserForm(RoleMixin, AdminUserCreationForm):
    pass


class UserForm(RoleMixin, UserChangeForm):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["role"].initial = read_role(self.instance)


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Users are deactivated, not deleted: the audit log and their segments keep naming them."""

    form, add_form = UserForm, NewUserForm
    list_display = ("username", "full_name", "email", "role", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password", "role", "is_active")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Since"), {"fields": ("is_superuser", "last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "role", "usable_password", "password1", "password2")}),)
    readonly_fields = ("is_superuser", "last_login", "date_joined")
    filter_horizontal = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        role = Role(form.cleaned_data["role"])
        if not change or role is not read_role(form.instance):
            user_set_role(user=form.instance, role=role)

    @admin.display(description=_("name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description=_("role"))
    def role(self, user: User) -> str:
        return find_greatest(user, (group.name for group in user.groups.all()))


@admin.register(Group)
class TeamAdmin(GroupAdmin):
    """Groups of single permissions. Those of the roles keep their names; an administrator may change what they permit."""

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.name not in set(Role))

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> tuple[str, ...]:
        return ("name",) if obj is not None and obj.name in set(Role) else ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}  # deleting many at once would not spare the roles


class NewTokenForm(forms.ModelForm):
    days = forms.TypedChoiceField(
        label=_("Expires after"),
        coerce=int,
        initial=90,
        choices=[(days, format_lazy(_("{days} days"), days=days)) for days in EXPIRY_DAYS],
    )

    class Meta:
        model = ApiToken
        fields = ("user", "name")


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """The text of a token is shown once, when it is made."""

    list_display = ("name", "user", "created", "expiry")
    list_filter = ("user",)
    search_fields = ("name", "user__username")
    list_select_related = ("user",)

    def get_form(self, request: HttpRequest, obj: ApiToken | None = None, **options: Any) -> Any:
        return super().get_form(request, obj, **options) if obj else NewTokenForm

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return ("name", "user", "created", "expiry") if obj else ("user", "name", "days")

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        token, text = token_create(**form.cleaned_data)
        obj.pk, obj.digest = token.pk, token.digest
        message = _("The token is %(text)s. Copy it now: it can't be shown again.") % {"text": text}
        self.message_user(request, message, messages.WARNING)


@admin.register(AccessAttempt)
class LoginFailureAdmin(ReadOnlyMixin, admin.ModelAdmin):
    """Wrong passwords of the last minutes. Five of a user from one address lock the login."""

    list_display = ("username", "ip_address", "failures_since_start", "last_failure", "locked_until")
    search_fields = ("username", "ip_address")
    fields = ("username", "ip_address", "failures_since_start", "last_failure", "locked_until", "user_agent")
    readonly_fields = ("last_failure", "locked_until")
    actions = ("unlock",)

    @admin.display(description=_("last failure"))
    def last_failure(self, attempt: AccessAttempt) -> str:
        return formats.moment(attempt.attempt_time)

    @admin.display(description=_("counts until"))
    def locked_until(self, attempt: AccessAttempt) -> str:
        return formats.moment(lock_get_end(attempt.username, attempt.ip_address))

    @admin.action(description=_("Unlock the selected logins"), permissions=["view"])
    def unlock(self, request: HttpRequest, attempts: QuerySet[AccessAttempt]) -> None:
        for attempt in attempts:
            audit_record("unlock", f"{attempt.username} from {attempt.ip_address}")
        attempts.delete()
        self.message_user(request, _("The logins are unlocked."))
