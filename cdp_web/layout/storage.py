"""Static files named by the hash of their content, so browsers may cache them forever."""

from __future__ import annotations

from django.contrib.staticfiles.storage import ManifestFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

#: The rule builder's modules import each other. Django's own switch for this would also rewrite files of other packages.
_MODULES = ("js/builder/*.js", ((r"""(?P<matched>from "(?P<url>\./[^"]+)")""", 'from "%(url)s"'),))


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    patterns = (*ManifestFilesMixin.patterns, _MODULES)
