"""Puts RoleAdminSite in the place of Django's admin site. A module of its own, for it is imported before the models are ready."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class RoleAdminConfig(AdminConfig):
    default_site = "cdp_web.accounts.admin_site.RoleAdminSite"
