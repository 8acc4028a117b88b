"""The gate: what a model must show before it may serve. Each check is a function of one record and gives a plain reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from batch.recommend.measures import bound_difference
from batch.recommend.trial import TEST_DAYS, Result
from cdp.recommend.histories import Floats

FEWEST_CUSTOMERS = 25
#: A challenger may be at most this much worse than the champion.
WORSE_SHARE = 0.02
TIMES_COVERAGE = 3.0
FOLD_IN_TOLERANCE = 1e-4
#: The model of all days knows the test days, so it must reach at least this share of what the tested model does.
FULL_SHARE = 0.5


@dataclass(frozen=True)
class Record:
    """What is known of a model before it is judged."""

    name: str
    tested: Result  # on the test days, by the model as of the day before them
    popular: Result
    popular_in_category: Result
    mixed_up: Floats  # NDCG if each customer's list is compared with the choices of another
    full: Result  # of the model as of the last day, on the same customers
    champion: Result | None
    trained_to: date
    last_day: date
    is_finite: bool
    fold_in_difference: float


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of a check."""

    name: str
    passed: bool
    reason: str


def judge(record: Record) -> list[Check]:
    """All checks, also after one that fails."""
    return [Check(name, *check(record)) for name, check in CHECKS.items()]


def _check_size(record: Record) -> tuple[bool, str]:
    customers = len(record.tested.ndcg)
    return customers >= FEWEST_CUSTOMERS, f"{customers:,} customers were tested; at least {FEWEST_CUSTOMERS} are needed"


def _check_split(record: Record) -> tuple[bool, str]:
    latest = record.last_day - timedelta(days=TEST_DAYS)
    return record.trained_to <= latest, f"it learned up to {record.trained_to}; the test days begin after {latest}"


def _check_finite(record: Record) -> tuple[bool, str]:
    return record.is_finite, "all its numbers are finite" if record.is_finite else "some of its numbers are not finite"


def _beats(one: Floats, other: Floats, than: str) -> tuple[bool, str]:
    mean, low, high = bound_difference(one, other)
    return low > 0, f"NDCG@10 is {one.mean():.4f}, {mean:+.4f} against {than} (95 %: {low:+.4f} to {high:+.4f})"


def _check_popular(record: Record) -> tuple[bool, str]:
    return _beats(record.tested.ndcg, record.popular.ndcg, "the most popular products")


def _check_popular_in_category(record: Record) -> tuple[bool, str]:
    return _beats(record.tested.ndcg, record.popular_in_category.ndcg, "the popular products of the customer's categories")


def _check_champion(record: Record) -> tuple[bool, str]:
    if record.champion is None:
        return True, "no champion can be compared on these days"
    ours, theirs = float(record.tested.ndcg.mean()), float(record.champion.ndcg.mean())
    return ours >= (1 - WORSE_SHARE) * theirs, f"NDCG@10 is {ours:.4f}, that of the champion {theirs:.4f}"


def _check_coverage(record: Record) -> tuple[bool, str]:
    ours, theirs = record.tested.measures["coverage"], record.popular.measures["coverage"]
    return ours >= TIMES_COVERAGE * theirs, f"it recommends {ours:.1%} of the products, the most popular ones are {theirs:.1%}"


def _check_concentration(record: Record) -> tuple[bool, str]:
    ours, theirs = record.tested.measures["top_percent"], record.popular.measures["top_percent"]
    return ours < theirs, f"one percent of the products takes {ours:.0%} of its places, {theirs:.0%} with popularity"


def _check_mixed_up(record: Record) -> tuple[bool, str]:
    mean, low, _ = bound_difference(record.mixed_up, record.popular.ndcg)
    return low <= 0, f"compared with the choices of other customers, it reaches {mean:+.4f} against popularity"


def _check_fold_in(record: Record) -> tuple[bool, str]:
    difference = record.fold_in_difference
    return difference <= FOLD_IN_TOLERANCE, f"customers' factors as served differ by {difference:.1e} from those as trained"


def _check_full(record: Record) -> tuple[bool, str]:
    full, tested = record.full.measures, record.tested.measures
    reason = f"on days that it knows, the model of all days reaches {full['ndcg_10']:.4f} and covers {full['coverage']:.1%}"
    return all(full[name] >= FULL_SHARE * tested[name] for name in ("ndcg_10", "coverage")), reason


CHECKS: dict[str, Callable[[Record], tuple[bool, str]]] = {
    "enough customers": _check_size,
    "nothing learned from the test days": _check_split,
    "finite": _check_finite,
    "better than popular": _check_popular,
    "better than popular in category": _check_popular_in_category,
    "not worse than the champion": _check_champion,
    "many products": _check_coverage,
    "not the same products for all": _check_concentration,
    "no gain for mixed-up customers": _check_mixed_up,
    "served as trained": _check_fold_in,
    "sound in full": _check_full,
}
