"""How the members of segments overlap, and which segment has nearly the same members. Reads the open stays of the members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from cdp_web.segments.models import Membership, Segment

_MEMBERSHIP = Membership._meta.db_table
MAX_SEGMENTS = 3
#: Two segments are called nearly the same from this share of common members.
SIMILAR = 0.9
#: Other segments that are compared, and rows that the comparison reads at most.
MAX_CANDIDATES = 20
MAX_ROWS = 2_000_000
#: Other segments that the page of a segment lists.
MAX_OVERLAPS = 25
_CACHE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Pair:
    """Two segments. `jaccard` is the share of common members among all members of the two."""

    first: Segment
    second: Segment
    both: int
    only_first: int
    only_second: int
    jaccard: float | None
    #: The share of each segment's members that the other one has, too.
    first_in_second: float | None
    second_in_first: float | None


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two or three segments."""

    segments: list[Segment]
    sizes: list[int]
    pairs: list[Pair]
    #: Members of all of them, and of at least one.
    all: int
    any: int
    #: The publications of the members. More than one: the segments are as of different days.
    publications: list[int]


@dataclass(frozen=True, slots=True)
class SimilarSegment:
    segment: Segment
    jaccard: float


def segments_overlap(segment_ids: Sequence[int]) -> Overlap:
    """Raises ValidationError unless these are two or three different segments."""
    if len(set(segment_ids)) != len(segment_ids) or not 2 <= len(segment_ids) <= MAX_SEGMENTS:
        raise ValidationError(_("Choose two or %(most)s different segments.") % {"most": MAX_SEGMENTS})
    segments = Segment.objects.select_related("current_run").in_bulk(segment_ids)
    missing = [str(key) for key in segment_ids if key not in segments]
    if missing:
        raise ValidationError(f"There is no segment {', '.join(missing)}.")
    in_order = [segments[key] for key in segment_ids]
    counts = _count_regions(segment_ids)
    sizes = [_count_members(counts, 1 << position) for position in range(len(in_order))]
    runs = [segment.current_run for segment in in_order if segment.current_run]
    return Overlap(
        in_order,
        sizes,
        [_compare(in_order, sizes, counts, *pair) for pair in combinations(range(len(in_order)), 2)],
        counts.get((1 << len(in_order)) - 1, 0),
        sum(counts.values()),
        sorted({run.publication_id for run in runs}),
    )


def overlaps_get(segment: Segment) -> list[Pair]:
    """The other segments with the most common members, best first. Segments of about the same size are compared first."""
    run = segment.current_run
    if run is None or not run.count:
        return []
    others = Segment.objects.filter(archived_at=None, current_run__count__gt=0).exclude(pk=segment.pk)
    candidates = {each.pk: each for each in others.select_related("current_run")}
    closest = sorted(candidates, key=lambda key: abs((candidates[key].current_run.count or 0) - run.count))
    keys = closest[: max(1, MAX_ROWS // run.count)]
    pairs = []
    for key, both in _count_common(segment.pk, keys).items():
        sizes = run.count, candidates[key].current_run.count or 0
        pairs.append(_build_pair(segment, candidates[key], sizes, both))
    return sorted(pairs, key=lambda pair: (-(pair.jaccard or 0), pair.second.name))[:MAX_OVERLAPS]


def segment_find_similar(segment: Segment) -> SimilarSegment | None:
    """The other segment with the largest share of common members, if it is large enough; kept for some minutes."""
    run = segment.current_run
    if run is None or not run.count:
        return None
    key = f"similar-segment-{run.pk}"
    best: tuple[int, float] | None = cache.get_or_set(key, lambda: _find_similar(segment, run.count) or (0, 0.0), _CACHE_SECONDS)
    other = Segment.objects.filter(pk=best[0], archived_at=None).first() if best else None
    return SimilarSegment(other, best[1]) if other and best else None


def _count_regions(segment_ids: Sequence[int]) -> dict[int, int]:
    """Members by the segments that have them: bit 0 is the first segment, and so on."""
    bits = " ".join(f"WHEN %s THEN {1 << position}" for position in range(len(segment_ids)))
    sql = f"""
        SELECT mask, count(*) FROM (
            SELECT sum(CASE segment_id {bits} END) AS mask FROM {_MEMBERSHIP}
            WHERE left_run IS NULL AND segment_id = ANY(%s) GROUP BY customer_id) AS masks
        GROUP BY mask"""
    with connection.cursor() as cursor:
        cursor.execute(sql, [*segment_ids, list(segment_ids)])
        return {int(mask): count for mask, count in cursor.fetchall()}


def _count_members(counts: Mapping[int, int], mask: int) -> int:
    """Members of all segments in the mask."""
    return sum(count for region, count in counts.items() if region & mask == mask)


def _compare(segments: list[Segment], sizes: list[int], counts: Mapping[int, int], first: int, second: int) -> Pair:
    both = _count_members(counts, 1 << first | 1 << second)
    return _build_pair(segments[first], segments[second], (sizes[first], sizes[second]), both)


def _build_pair(first: Segment, second: Segment, sizes: tuple[int, int], both: int) -> Pair:
    union = sum(sizes) - both
    return Pair(
        first, second, both, sizes[0] - both, sizes[1] - both,
        _divide(both, union), _divide(both, sizes[0]), _divide(both, sizes[1]),
    )  # fmt: skip


def _count_common(segment_id: int, others: Sequence[int]) -> dict[int, int]:
    """Common members with each other segment; without those that have none."""
    sql = f"""
        SELECT o.segment_id, count(*) FROM {_MEMBERSHIP} m JOIN {_MEMBERSHIP} o USING (customer_id)
        WHERE m.segment_id = %s AND m.left_run IS NULL AND o.segment_id = ANY(%s) AND o.left_run IS NULL
        GROUP BY o.segment_id"""
    with connection.cursor() as cursor:
        cursor.execute(sql, [segment_id, list(others)])
        return dict(cursor.fetchall())


def _divide(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _find_similar(segment: Segment, size: int) -> tuple[int, float] | None:
    """The id and the share. Sizes that differ more than the share allows can't be similar, so their members are not read."""
    others = Segment.objects.filter(
        archived_at=None, current_run__count__gte=size * SIMILAR, current_run__count__lte=size / SIMILAR
    ).exclude(pk=segment.pk)
    sizes = dict(others.values_list("pk", "current_run__count"))
    closest = sorted(sizes, key=lambda key: (abs(sizes[key] - size), key))[: min(MAX_CANDIDATES, MAX_ROWS // size)]
    if not closest:
        return None
    common = _count_common(segment.pk, closest)
    shares = [(both / (size + sizes[key] - both), key) for key, both in common.items()]
    share, key = max(shares, key=lambda each: (each[0], -each[1]), default=(0.0, 0))
    return (key, share) if share >= SIMILAR else None
