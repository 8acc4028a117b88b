"""The refresh of all segments after a night, and of those that read recommendations after their publication."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from cdp_web.segments.lists import matches_update
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.runs import segment_run_now, segment_run_request
from cdp_web.segments.selectors import segments_get_reading_recommendations, segments_sort_by_dependence
from cdp_web.serving.errors import NothingPublished
from cdp_web.serving.publications import Publication, publication_get_serving
from cdp_web.serving.recommendations import recommendations_get


class WrongDay(ValueError):
    """The published day is not the day to refresh."""


def publication_get_for_day(day: date | None) -> Publication:
    """The serving publication; raises WrongDay if it is of another day."""
    publication = publication_get_serving()
    if day is not None and publication.day != day:
        raise WrongDay(f"publication {publication.id} serves {publication.day}, not {day}; run ./run night --day {day} first.")
    return publication


def segments_refresh(publication: Publication) -> Iterator[SegmentRun]:
    """Compute every segment in this process, in order of dependence, and yield each run as it ends."""
    matches_update()
    for segment in segments_sort_by_dependence():
        yield segment_run_now(segment=segment, publication=publication)


def segments_refresh_request() -> Iterator[SegmentRun]:
    """Send every segment to the workers."""
    matches_update()
    for segment in segments_sort_by_dependence():
        yield segment_run_request(segment=segment, queue=SegmentRun.Queue.NIGHT)


def recommendations_refresh() -> list[SegmentRun]:
    """Request a run of each segment that reads recommendations and that nobody has run since their publication."""
    recommendations = recommendations_get()
    if recommendations is None:
        return []
    segments = [
        segment
        for segment in segments_get_reading_recommendations()
        if not segment.runs.filter(requested_at__gte=recommendations.published_at).exists()
    ]
    try:
        return [segment_run_request(segment=segment, queue=SegmentRun.Queue.NIGHT) for segment in segments]
    except NothingPublished:
        return []  # the refresh after the first night computes them
