"""The manifest of an export: what the file contains, and how to check that it is complete."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from cdp_web.segments.export.files import sum_file
from cdp_web.segments.export.rows import Export


def build_manifest(export: Export) -> dict[str, Any]:
    """Writes the file once more to sum it up; a run's file always has the same bytes."""
    file = sum_file(export)
    run = export.run
    return {
        "segment": {"id": export.segment.pk, "name": export.segment.name},
        "version": run.version.number,
        "publication": run.publication_id,
        "day": run.day,
        "run": run.pk,
        "changes_since": export.since.pk if export.since else None,
        "file": export.file_name,
        "format": export.options.format,
        "columns": list(export.columns),
        "ids": export.options.ids,
        "rows": export.rows,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "created_at": timezone.now(),
    }
