"""Static files: which of them are collected from other packages, and how they are named."""

from __future__ import annotations

from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.storage import ManifestFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

#: The rule builder's modules import each other. Django's own switch for this would also rewrite files of other packages.
_MODULES = ("js/builder/*.js", ((r"""(?P<matched>from "(?P<url>\.{1,2}/[^"]+)")""", 'from "%(url)s"'),))


class SiteStaticFiles(StaticFilesConfig):
    """Collects only those static files of other packages that a page of the site uses."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "redoc",
        "swagger-ui-es-bundle*",
        "htmx-4*",
        "htmax*",
        "rest_framework",
        "widgetbundle.js",
        "datasets",
        "templates",
    ]


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Names static files by the hash of their content, so browsers may cache them forever."""

    patterns = (*ManifestFilesMixin.patterns, _MODULES)
