"""The login page, the account page, and what a user changes there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout, views
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cdp_web.accounts import sessions, tokens
from cdp_web.accounts.audit import audit_record
from cdp_web.accounts.forms import ProfileForm, StyledForm, TokenForm
from cdp_web.accounts.roles import Role, describe_rights, may_see_personal_data, require_role, role_get


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class LoginView(views.LoginView):
    template_name = "accounts/login.html"
    redirect_authenticated_user = True


class PasswordForm(StyledForm, views.PasswordChangeForm):
    pass


class PasswordView(views.PasswordChangeView):
    """Other sessions of the user end with the old password."""

    template_name = "accounts/password.html"
    form_class = PasswordForm
    success_url = reverse_lazy("accounts:account")
    http_method_names = ["get", "head", "post", "options"]

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, gettext_lazy("Your password is changed. You are logged out on all other devices."))
        return super().form_valid(form)


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    return _render_account(request)


@require_role(Role.VIEWER)
@require_POST
def profile_change(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST, instance=request.user)
    if not form.is_valid():
        return _render_account(request, status=400, profile_form=form)
    form.save()
    messages.success(request, _("Your profile is saved."))
    return redirect("accounts:account")


@require_role(Role.VIEWER)
@require_POST
@never_cache
def token_new(request: HttpRequest) -> HttpResponse:
    """Make a token. This answer shows it, and no later one does."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _render_account(request, status=400, token_form=form)
    try:
        token, text = tokens.token_create(user=request.user, **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error.message_dict[NON_FIELD_ERRORS])
        return _render_account(request, status=400, token_form=form)
    return _render_account(request, status=201, token_text=text, token_name=token.name)


@require_role(Role.VIEWER)
@require_POST
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    if not tokens.token_revoke(user=request.user, token_id=token_id):
        raise Http404(_("You have no such token."))
    messages.success(request, _("The token is revoked."))
    return redirect("accounts:account")


@require_role(Role.VIEWER)
@require_POST
def logout_everywhere(request: HttpRequest) -> HttpResponse:
    audit_record("logout everywhere", request.user)
    sessions.sessions_end(user=request.user)
    logout(request)
    return redirect("accounts:login")


def _render_account(request: HttpRequest, status: int = 200, **context: Any) -> HttpResponse:
    defaults = {
        "profile_form": ProfileForm(instance=request.user),
        "token_form": TokenForm(),
        "tokens": request.user.auth_token_set.all(),
        "rights": describe_rights(role_get(request.user), sees_people=may_see_personal_data(request.user)),
    }
    return render(request, "accounts/account.html", defaults | context, status=status)
