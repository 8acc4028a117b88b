"""The login page and the account page."""

from __future__ import annotations

from django.contrib.auth import views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


class LoginView(views.LoginView):
    template_name = "accounts/login.html"
    redirect_authenticated_user = True


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/account.html")
