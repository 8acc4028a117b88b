"""What the sums of an experiment's arms say: rates with intervals, differences from the control, and a verdict.

The unit is the customer. One customer's lists are alike, so lists must not be counted as if each were another person's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist

CTR, REVENUE = "ctr", "revenue"
#: Shares of false alarms and of missed effects that the intervals and the sample sizes allow.
ALPHA, MISSED = 0.05, 0.2
#: Below this probability of the customers' counts, the arms are not comparable.
RATIO_ALPHA = 0.001

#: Outcomes of a comparison.
VOID = "void"  # the arms do not have the customers that their shares promise
NO_DATA = "no data"
RUNNING = "running"  # nothing can be said before the end
STOP_BETTER, STOP_WORSE = "stop better", "stop worse"  # it may end early
BETTER, WORSE = "better", "worse"
TOO_SMALL = "too small"
NO_DIFFERENCE = "no difference"


@dataclass(frozen=True, slots=True)
class ArmSums:
    """A row of `recommend.result_arm` (cdp/mart/recommend.py): sums over the customers of an arm."""

    arm: str
    assigned: int
    customers: int
    seen: Decimal
    seen_squares: Decimal
    clicked: Decimal
    clicked_squares: Decimal
    seen_clicked: Decimal
    buyers: int
    revenue: Decimal
    revenue_squares: Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided before the experiment started. The first arm is the control."""

    arms: Sequence[str]
    shares: Sequence[int]
    metric: str
    effect: float  # the smallest one of interest, as a share of the control's value
    is_over: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and the bounds of its interval."""

    value: float
    low: float
    high: float

    @property
    def is_above_zero(self) -> bool:
        return self.low > 0

    @property
    def is_below_zero(self) -> bool:
        return self.high < 0


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over customers and the variance of this mean."""

    value: float
    variance: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """An arm beside the control. `at_end` holds for one look on the planned day, `always` for a look on every day."""

    arm: str
    outcome: str
    at_end: Estimate | None = None
    always: Estimate | None = None
    needed: int = 0  # customers of both arms that the planned effect needs
    missing: int = 0  # those that have not come yet


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rates` are by arm, each with its interval; None for an arm without customers."""

    metric: str
    rates: dict[str, Estimate | None]
    ratio_probability: float  # of the customers' counts, if the shares were kept
    comparisons: Sequence[Comparison]

    @property
    def is_void(self) -> bool:
        return self.ratio_probability < RATIO_ALPHA


def judge(plan: Plan, rows: Sequence[ArmSums]) -> Verdict:
    """Compare each arm with the control. More than one comparison share the false alarms."""
    by_arm = {row.arm: row for row in rows}
    means = {arm: measure(by_arm[arm], plan.metric) if arm in by_arm else None for arm in plan.arms}
    ratio = check_ratio([by_arm[arm].assigned if arm in by_arm else 0 for arm in plan.arms], plan.shares)
    control, *others = plan.arms
    alpha = ALPHA / max(len(others), 1)
    comparisons = []
    for arm in others:
        if ratio < RATIO_ALPHA:
            comparisons.append(Comparison(arm, VOID))
        else:
            customers = sum(by_arm[name].customers for name in (control, arm) if name in by_arm)
            comparisons.append(_compare(plan, arm, means[control], means[arm], customers, alpha))
    rates = {arm: _make_interval(mean, ALPHA) if mean else None for arm, mean in means.items()}
    return Verdict(plan.metric, rates, ratio, comparisons)


def measure(sums: ArmSums, metric: str) -> Mean | None:
    """None if too few customers saw a list."""
    if sums.customers < 2:
        return None
    return _measure_revenue(sums) if metric == REVENUE else _measure_ctr(sums)


def _measure_ctr(sums: ArmSums) -> Mean | None:
    """Lists with a click among lists seen. Both differ by customer, so the variance is that of a ratio (the delta method)."""
    count, seen, clicked = sums.customers, float(sums.seen), float(sums.clicked)
    if not seen:
        return None
    rate = clicked / seen
    residuals = float(sums.clicked_squares) - 2 * rate * float(sums.seen_clicked) + rate**2 * float(sums.seen_squares)
    return Mean(rate, max(residuals, 0.0) / (count - 1) * count / seen**2)


def _measure_revenue(sums: ArmSums) -> Mean:
    mean = float(sums.revenue) / sums.customers
    residuals = float(sums.revenue_squares) - sums.customers * mean**2
    return Mean(mean, max(residuals, 0.0) / (sums.customers - 1) / sums.customers)


def _compare(plan: Plan, arm: str, control: Mean | None, other: Mean | None, customers: int, alpha: float) -> Comparison:
    if control is None or other is None or control.value <= 0:
        return Comparison(arm, NO_DATA)
    difference = Mean(other.value - control.value, control.variance + other.variance)
    target = find_target_variance(plan.effect * control.value, alpha)
    needed = math.ceil(customers * difference.variance / target)
    at_end, always = _make_interval(difference, alpha), make_sequence(difference, target, alpha)
    missing = max(needed - customers, 0)
    return Comparison(arm, _decide(plan.is_over, at_end, always, missing), at_end, always, needed, missing)


def _decide(is_over: bool, at_end: Estimate, always: Estimate, missing: int) -> str:
    if not is_over:
        return STOP_BETTER if always.is_above_zero else STOP_WORSE if always.is_below_zero else RUNNING
    if at_end.is_above_zero:
        return BETTER
    if at_end.is_below_zero:
        return WORSE
    return TOO_SMALL if missing else NO_DIFFERENCE


def find_target_variance(difference: float, alpha: float = ALPHA) -> float:
    """The variance at which this difference is found with the usual power."""
    normal = NormalDist()
    return (difference / (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(1 - MISSED))) ** 2


def count_needed(sums: ArmSums, metric: str, effect: float) -> int | None:
    """Customers of each of two equal arms that an effect needs, by the sums of an earlier experiment; None if these say
    nothing."""
    mean = measure(sums, metric)
    if mean is None or not mean.value:
        return None
    return math.ceil(2 * mean.variance * sums.customers / find_target_variance(effect * mean.value))


def _make_interval(mean: Mean, alpha: float) -> Estimate:
    half = NormalDist().inv_cdf(1 - alpha / 2) * math.sqrt(mean.variance)
    return Estimate(mean.value, mean.value - half, mean.value + half)


def make_sequence(mean: Mean, target: float, alpha: float) -> Estimate:
    """An interval of an asymptotic confidence sequence: with 1 - alpha all of them, day after day, hold together. They
    are narrowest at the target variance, that of the planned number of customers."""
    if not mean.variance:
        return Estimate(mean.value, mean.value, mean.value)
    doubts = -2 * math.log(alpha)
    information = (doubts + math.log(doubts + 1)) * target / mean.variance
    half = math.sqrt(mean.variance * (1 + 1 / information) * (math.log(1 + information) + doubts))
    return Estimate(mean.value, mean.value - half, mean.value + half)


def check_ratio(counts: Sequence[int], shares: Sequence[int]) -> float:
    """The probability that counts differ as much as these from the shares by chance (chi-square)."""
    total, whole = sum(counts), sum(shares)
    if not total:
        return 1.0
    expected = [total * share / whole for share in shares]
    distance = sum((count - wanted) ** 2 / wanted for count, wanted in zip(counts, expected, strict=True))
    return _find_chi_square_tail(distance, len(counts) - 1)


def _find_chi_square_tail(value: float, freedom: int) -> float:
    """From one or two degrees of freedom, two more at a time."""
    half = value / 2
    order, tail = (0.5, math.erfc(math.sqrt(half))) if freedom % 2 else (1.0, math.exp(-half))
    while 2 * order < freedom:
        tail += half**order * math.exp(-half) / math.gamma(order + 1)
        order += 1
    return tail
