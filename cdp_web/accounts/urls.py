from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from cdp_web.accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.account, name="account"),
    path("login", views.LoginView.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
]
