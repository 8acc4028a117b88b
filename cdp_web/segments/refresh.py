"""The refresh of all segments after a night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.runs import segment_run_now, segment_run_request
from cdp_web.serving.publications import Publication, publication_get_serving


class WrongDay(ValueError):
    """The published day is not the day to refresh."""


def publication_get_for_day(day: date | None) -> Publication:
    """The serving publication; raises WrongDay if it is of another day."""
    publication = publication_get_serving()
    if day is not None and publication.day != day:
        raise WrongDay(f"publication {publication.id} serves {publication.day}, not {day}; run ./run night --day {day} first.")
    return publication


def segments_refresh(publication: Publication) -> Iterator[SegmentRun]:
    """Compute every segment in this process, oldest first, and yield each run as it ends."""
    for segment in _list_segments():
        yield segment_run_now(segment=segment, publication=publication)


def segments_refresh_request() -> Iterator[SegmentRun]:
    """Send every segment to the workers."""
    for segment in _list_segments():
        yield segment_run_request(segment=segment)


def _list_segments() -> list[Segment]:
    return list(Segment.objects.filter(archived_at=None).order_by("pk"))
