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
    path("logout-everywhere", views.logout_everywhere, name="logout-everywhere"),
    path("password", require_role(Role.VIEWER)(views.PasswordView.as_view()), name="password"),
    path("profile", views.profile_change, name="profile"),
    path("tokens", views.token_new, name="token-new"),
    path("tokens/<int:token_id>/revoke", views.token_revoke, name="token-revoke"),
]
