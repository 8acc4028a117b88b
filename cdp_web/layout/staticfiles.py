"""Collects only those static files of other packages that a page of the site uses."""

from __future__ import annotations

from django.contrib.staticfiles.apps import StaticFilesConfig


class SiteStaticFiles(StaticFilesConfig):
    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "redoc",
        "swagger-ui-es-bundle*",
        "htmx-4*",
        "htmax*",
        "rest_framework",
    ]
