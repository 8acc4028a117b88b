"""What is typical of the members of a segment: their metrics and groups beside those of all customers, in one evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.core.cache import cache

from cdp.metrics import BY_KEY, Metric
from cdp.rules import decode
from cdp.rules.truth import TruthTable
from cdp_web.segments.evaluate import Evaluation, evaluation_open
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.references import references_load
from cdp_web.segments.selectors import run_snapshot_open
from cdp_web.serving.snapshot_query import Session
from cdp_web.serving.snapshot_store import TABLE

#: Metrics whose averages are compared.
KEY_METRICS: tuple[Metric, ...] = tuple(
    BY_KEY[key]
    for key in (
        "total_purchase_value", "total_purchase", "avg_purchase_value", "items", "sessions", "views", "active_days",
        "days_since_seen",
    )
)  # fmt: skip
REVENUE = BY_KEY["total_purchase_value"]
#: Fields whose values are counted, with the number of values shown.
MIXES = {"rfm_group": 12, "lifecycle": 6, "favourite_category_by_views": 8, "favourite_brand_by_views": 8}
#: A group is called typical if at least this share of the members is in it, and at least this many times the share of all.
TYPICAL_SHARE = 0.05
TYPICAL_RATIO = 1.2
_COLUMNS = tuple(dict.fromkeys((*(metric.key for metric in KEY_METRICS), *MIXES)))
_SECONDS = 10
_CACHE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Comparison:
    """Averages of a metric over those who have a value."""

    metric: Metric
    members: Decimal | None
    everyone: Decimal | None

    @property
    def ratio(self) -> float | None:
        return float(self.members / self.everyone) if self.members is not None and self.everyone else None


@dataclass(frozen=True, slots=True)
class ValueShare:
    """Members and all customers with a value of a field; `value` is None for those without one."""

    field: str
    value: str | None
    members: int
    everyone: int
    share: float
    share_of_all: float

    @property
    def metric(self) -> Metric:
        return BY_KEY[self.field]

    @property
    def ratio(self) -> float | None:
        return self.share / self.share_of_all if self.share_of_all else None


@dataclass(frozen=True, slots=True)
class SegmentProfile:
    count: int
    total: int
    revenue: Decimal
    total_revenue: Decimal
    comparisons: list[Comparison]
    mixes: dict[str, list[ValueShare]]

    @property
    def revenue_share(self) -> float | None:
        return float(self.revenue / self.total_revenue) if self.total_revenue > 0 else None

    @property
    def typical(self) -> list[ValueShare]:
        """The groups that set the members apart most, at most one of each field."""
        best = (max(filter(_is_typical, shares), key=_get_ratio, default=None) for shares in self.mixes.values())
        return sorted(filter(None, best), key=_get_ratio, reverse=True)


def profile_get(run: SegmentRun) -> SegmentProfile:
    """Read once for a run. Raises NotReady, RuleError or TooExpensive if the rule can't be evaluated on the run's snapshot."""
    profile: SegmentProfile | None = cache.get_or_set(f"segment-profile-{run.pk}", lambda: _evaluate(run), _CACHE_SECONDS)
    assert profile is not None
    return profile


def _is_typical(share: ValueShare) -> bool:
    return share.value is not None and share.share >= TYPICAL_SHARE and _get_ratio(share) >= TYPICAL_RATIO


def _get_ratio(share: ValueShare) -> float:
    return share.ratio or 0


def _evaluate(run: SegmentRun) -> SegmentProfile:
    rule = decode(run.version.rule)
    references = references_load(rule, of_segment=run.segment_id)
    with evaluation_open(run_snapshot_open(run), rule, references, seconds=_SECONDS) as evaluation:
        _mark_members(evaluation)
        session = evaluation.session
        count, total, revenue, total_revenue = session.read_row(
            f"SELECT count(*) FILTER (is_member), count(*), coalesce(sum({REVENUE.key}) FILTER (is_member), 0),"
            f" coalesce(sum({REVENUE.key}), 0) FROM marked"
        )
        return SegmentProfile(
            int(count), int(total), Decimal(revenue), Decimal(total_revenue), _compare(session),
            {field: _read_mix(session, field, int(count), int(total)) for field in MIXES},
        )  # fmt: skip


def _mark_members(evaluation: Evaluation) -> None:
    """A table of all customers with the columns that are compared, and whether each is a member."""
    truth = TruthTable(evaluation.rule, evaluation.source)
    evaluation.session.execute(truth.create())
    evaluation.session.execute(
        f"CREATE OR REPLACE TEMP TABLE marked AS SELECT {', '.join(_COLUMNS)}, id IS NOT NULL AS is_member FROM {TABLE}"
        f" LEFT JOIN (SELECT customer_id AS id FROM ({truth.select_ids(truth.is_member())})) ON customer_id = id"
    )


def _compare(session: Session) -> list[Comparison]:
    averages = ", ".join(f"avg({metric.key}) FILTER (is_member), avg({metric.key})" for metric in KEY_METRICS)
    numbers = [None if value is None else Decimal(str(value)) for value in session.read_row(f"SELECT {averages} FROM marked")]
    return [Comparison(*each) for each in zip(KEY_METRICS, numbers[::2], numbers[1::2], strict=True)]


def _read_mix(session: Session, field: str, count: int, total: int) -> list[ValueShare]:
    rows = session.read_rows(
        f"SELECT {field} AS value, count(*) FILTER (is_member) AS members, count(*) AS everyone FROM marked"
        f" GROUP BY {field} HAVING members > 0 ORDER BY members DESC, value LIMIT {MIXES[field]}"
    )
    return [
        ValueShare(field, row["value"], row["members"], row["everyone"], row["members"] / count, row["everyone"] / total)
        for row in rows
    ]
