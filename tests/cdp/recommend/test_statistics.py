"""Verdicts on simulated experiments: how often they are wrong, and how often they find an effect."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pytest

from cdp.recommend import statistics
from cdp.recommend.statistics import ArmSums, Plan, Verdict, judge

DAYS, CUSTOMERS, RUNS = 28, 1_500, 300
PLAN = Plan(("control", "new"), (5_000, 5_000), statistics.CTR, 0.3, is_over=False)
Sums = npt.NDArray[np.float64]


def simulate_arm(rng: np.random.Generator, rate: float) -> Sums:
    """A row for each day: customers, lists seen, squares, lists clicked, squares, products; from the start to the day. Customers
    come again, see several lists at once, and differ in how much they click."""
    activity = rng.gamma(0.5, 0.5, (CUSTOMERS, 1))
    taste = rng.beta(0.5, 0.5 / rate - 0.5, (CUSTOMERS, 1))
    seen = rng.poisson(activity, (CUSTOMERS, DAYS)) * rng.integers(1, 6, (CUSTOMERS, DAYS))
    clicked = np.cumsum(rng.binomial(seen, taste), axis=1)
    seen = np.cumsum(seen, axis=1)
    parts = ((seen > 0), seen, seen**2, clicked, clicked**2, seen * clicked)
    return np.stack([part.sum(axis=0) for part in parts], axis=1).astype(float)


def make_sums(arm: str, day: Sums) -> ArmSums:
    customers, *rest = day.tolist()
    seen, seen_squares, clicked, clicked_squares, product = map(Decimal, rest)
    zero = Decimal(0)
    return ArmSums(arm, 2_000, int(customers), seen, seen_squares, clicked, clicked_squares, product, 0, zero, zero)


def judge_days(plan: Plan, days: tuple[Sums, Sums], which: list[int]) -> list[str]:
    verdicts = [judge(plan, [make_sums(arm, sums[day]) for arm, sums in zip(plan.arms, days, strict=True)]) for day in which]
    return [verdict.comparisons[0].outcome for verdict in verdicts]


def simulate(effect: float, seed: int) -> tuple[float, float, float]:
    """Shares of runs with a finding: on the last day, at any look, and at any look if each list is taken for a person."""
    rng, every_day = np.random.default_rng(seed), list(range(2, DAYS))
    at_end = early = naive = 0
    for _ in range(RUNS):
        days = simulate_arm(rng, 0.05), simulate_arm(rng, 0.05 * (1 + effect))
        at_end += judge_days(replace(PLAN, is_over=True), days, [DAYS - 1])[0] in (statistics.BETTER, statistics.WORSE)
        early += any(each != statistics.RUNNING for each in judge_days(PLAN, days, every_day))
        naive += any(abs(find_z(days, day)) > 1.96 for day in every_day)
    return at_end / RUNS, early / RUNS, naive / RUNS


def find_z(days: tuple[Sums, Sums], day: int) -> float:
    rates = [sums[day, 3] / sums[day, 1] for sums in days]
    variance = sum(rate * (1 - rate) / sums[day, 1] for rate, sums in zip(rates, days, strict=True))
    return (rates[1] - rates[0]) / math.sqrt(variance)


def test_equal_arms_are_told_apart_no_more_often_than_promised() -> None:
    at_end, early, naive = simulate(0.0, seed=1)
    spread = 2 * math.sqrt(0.05 * 0.95 / RUNS)
    assert 0.05 - spread < at_end < 0.05 + spread
    assert early < 0.05
    assert naive > 0.3, "the simulation is one in which a careless test errs"


def test_a_large_effect_is_found() -> None:
    at_end, early, _ = simulate(0.3, seed=2)
    assert at_end > 0.8
    assert early > 0.5


def make_row(arm: str, assigned: int = 1_000, **changes: int) -> ArmSums:
    """Customers who all see ten lists; half of them click two of them, and a tenth of them orders for 50."""
    customers = changes.pop("customers", 1_000)
    half, tenth = customers // 2, customers // 10
    sums = ArmSums(
        arm, assigned, customers, Decimal(10 * customers), Decimal(100 * customers), Decimal(2 * half), Decimal(4 * half),
        Decimal(20 * half), tenth, Decimal(50 * tenth), Decimal(2_500 * tenth),
    )  # fmt: skip
    return replace(sums, **{name: Decimal(value) for name, value in changes.items()})


def find_outcome(plan: Plan, *rows: ArmSums) -> str:
    return judge(plan, rows).comparisons[0].outcome


def test_intervals_are_those_of_the_formulas() -> None:
    verdict: Verdict = judge(PLAN, [make_row("control"), make_row("new")])
    rate = verdict.rates["new"]
    assert rate
    # Every customer sees ten lists, so the rate is a tenth of the mean clicks: 0 or 2 with the same chance.
    half = 1.959964 * math.sqrt(1_000 / 999) / math.sqrt(1_000) / 10
    assert (rate.value, rate.low, rate.high) == pytest.approx((0.1, 0.1 - half, 0.1 + half), rel=1e-6)
    revenue = judge(replace(PLAN, metric=statistics.REVENUE), [make_row("control"), make_row("new")]).rates["new"]
    assert revenue
    half = 1.959964 * 50 * math.sqrt(0.1 * 0.9 * 1_000 / 999 / 1_000)
    assert (revenue.value, revenue.low, revenue.high) == pytest.approx((5, 5 - half, 5 + half), rel=1e-6)


def test_arms_with_the_wrong_number_of_customers_are_void() -> None:
    assert find_outcome(PLAN, make_row("control", 10_000), make_row("new", 10_200)) == statistics.RUNNING
    assert find_outcome(PLAN, make_row("control", 10_000), make_row("new", 10_700)) == statistics.VOID
    uneven = replace(PLAN, shares=(9_000, 1_000))
    assert find_outcome(uneven, make_row("control", 9_000), make_row("new", 1_000)) == statistics.RUNNING
    assert find_outcome(uneven, make_row("control", 5_000), make_row("new", 5_000)) == statistics.VOID


@pytest.mark.parametrize(
    ("counts", "probability"), [((60, 40), 0.0455003), ((40, 30, 30), 0.3678794), ((30, 30, 20, 20), 0.2614641)]
)
def test_chi_square(counts: tuple[int, ...], probability: float) -> None:
    """(60, 40): 4 with one degree of freedom; (40, 30, 30): 2 with two; (30, 30, 20, 20): 4 with three."""
    assert statistics.check_ratio(counts, [1] * len(counts)) == pytest.approx(probability, rel=1e-3)


def test_a_small_sample_decides_nothing_and_says_how_many_are_missing() -> None:
    over = replace(PLAN, is_over=True, effect=0.05)
    small = judge(over, [make_row("control"), make_row("new")]).comparisons[0]
    assert small.outcome == statistics.TOO_SMALL
    assert small.needed == small.missing + 2_000
    # 80 % power at 5 %: (1.96 + 0.84)² times both variances over the square of the difference.
    assert small.needed == pytest.approx(2_000 * 7.849 * 2 * 1e-5 / 0.005**2, rel=1e-2)
    assert statistics.count_needed(make_row("any"), over.metric, over.effect) == pytest.approx(small.needed / 2, abs=1)
    assert statistics.count_needed(make_row("any", customers=1), over.metric, over.effect) is None
    large = [make_row(arm, customers=20_000) for arm in over.arms]
    assert find_outcome(over, *large) == statistics.NO_DIFFERENCE
    assert find_outcome(over, make_row("control")) == statistics.VOID, "an arm that nobody got is no chance"
    assert find_outcome(over) == statistics.NO_DATA


def test_several_arms_share_the_false_alarms() -> None:
    three = replace(PLAN, arms=("control", "new", "other"), shares=(3_000, 3_000, 3_000))
    wide = judge(three, [make_row(arm) for arm in three.arms]).comparisons[0].at_end
    narrow = judge(PLAN, [make_row(arm) for arm in PLAN.arms]).comparisons[0].at_end
    assert wide
    assert narrow
    assert wide.high / narrow.high == pytest.approx(2.2414 / 1.96, rel=1e-3)
