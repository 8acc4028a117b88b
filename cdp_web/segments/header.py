"""What is above every tab of a segment: its size, the change since the published day before, and its share of all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.core.cache import cache

from cdp.rules import RuleError
from cdp_web.customers.links import link_to_customers
from cdp_web.segments.evaluate import TooExpensive
from cdp_web.segments.history import sizes_get
from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.profile import SegmentProfile, profile_get
from cdp_web.segments.references import ReferenceProblem
from cdp_web.serving.errors import NotReady
from cdp_web.serving.publications import Publication

_CACHE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    segment: Segment
    run: SegmentRun | None
    latest: SegmentRun | None
    #: Members now less members of the published day before, and that day; None without one.
    change: int | None
    change_since: date | None
    profile: SegmentProfile | None
    #: Why there is no profile.
    problem: str
    #: The customers of the segment as a list; empty unless its run is of the current rule and of the serving publication.
    link: str

    @property
    def is_active(self) -> bool:
        return self.latest is not None and self.latest.is_active


def header_get(segment: Segment, publication: Publication | None) -> SegmentHeader:
    run = segment.current_run
    profile, problem = _read_profile(run)
    sizes = sizes_get(segment)[-2:]
    change, since = (sizes[1].count - sizes[0].count, sizes[0].day) if len(sizes) == 2 else (None, None)
    latest = segment.runs.select_related("version").first()
    link = link_to_customers({"segment": {"id": segment.pk}}) if is_current(segment, publication) else ""
    return SegmentHeader(segment, run, latest, change, since, profile, problem, link)


def is_current(segment: Segment, publication: Publication | None) -> bool:
    """Whether the members are those of the current rule on the serving publication."""
    run = segment.current_run
    return (
        run is not None
        and publication is not None
        and segment.archived_at is None
        and (run.publication_id, run.version.number) == (publication.id, segment.version)
    )


def _read_profile(run: SegmentRun | None) -> tuple[SegmentProfile | None, str]:
    """A rule that costs too much is not tried again on every page."""
    if run is None:
        return None, ""
    key = f"segment-profile-problem-{run.pk}"
    if problem := cache.get(key):
        return None, problem
    try:
        return profile_get(run), ""
    except TooExpensive as error:
        cache.set(key, error.says, _CACHE_SECONDS)
        return None, error.says
    except (NotReady, RuleError, ReferenceProblem) as error:
        return None, getattr(error, "says", "") or str(error)
