"""Reads of segments, runs and members that begin after a key, for the pages of the API."""

from __future__ import annotations

from cdp_web.segments.members import members_at
from cdp_web.segments.models import Segment, SegmentRun


def segments_get_after(after: int | None, limit: int, *, archived: bool = False) -> list[Segment]:
    """Segments by id."""
    segments = Segment.objects.filter(archived_at__isnull=not archived, pk__gt=after or 0)
    return list(segments.select_related("owner", "current_run", "current_run__version").order_by("pk")[:limit])


def runs_get_after(segment: Segment, after: int | None, limit: int) -> list[SegmentRun]:
    """Runs, newest first."""
    runs = segment.runs.select_related("version").order_by("-pk")
    return list((runs.filter(pk__lt=after) if after else runs)[:limit])


def member_ids_get_after(run: SegmentRun, after: str, limit: int) -> list[str]:
    """Ids of the members as of the run, in order."""
    return list(members_at(run).filter(customer_id__gt=after).values_list("customer_id", flat=True)[:limit])


def run_get(segment: Segment, run_id: int) -> SegmentRun | None:
    return segment.runs.select_related("version").filter(pk=run_id).first()
