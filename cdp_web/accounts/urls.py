from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from cdp_web.accounts import views
from cdp_web.accounts.roles import Role, require_role

app_name = "accounts"
urlpatterns = [
    path("", views.account, name="account"),
    path("login", require_role(Role.VIEWER)(views.LoginView.as_view()), name="login"),
    path("logout", require_role(Role.VIEWER)(LogoutView.as_view()), name="logout"),
]
