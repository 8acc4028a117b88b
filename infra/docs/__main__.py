"""Writes the files: python -m infra.docs"""

from __future__ import annotations

from infra.docs import PAGES

for path, written in PAGES.items():
    path.write_text(written())
