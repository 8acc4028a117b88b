"""How quickly the recommendation API answered, from the minutes that it has written to Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cdp.mart.recommend import LATENCY
from cdp_web.serving.tables import read_rows

SHARES = (0.5, 0.95, 0.99)
#: Hours -> over which the page looks back.
WINDOWS = (1, 24)


@dataclass(frozen=True, slots=True)
class Latency:
    """The answers of some hours. A quantile is the upper bound in milliseconds of the bucket that it lies in."""

    hours: int
    answers: int
    stale: int
    errors: int
    buckets: Mapping[float, int]

    @property
    def per_second(self) -> float:
        return self.answers / (self.hours * 3600)

    @property
    def quantiles(self) -> list[tuple[int, float | None]]:
        """Percent, and the time that so many answers took at most; None: longer than the last bound."""
        return [(round(share * 100), find_quantile(self.buckets, share)) for share in SHARES]


def find_quantile(buckets: Mapping[float, int], share: float) -> float | None:
    wanted, reached = share * sum(buckets.values()), 0
    for bound in sorted(buckets):
        reached += buckets[bound]
        if reached >= wanted:
            return bound if bound != float("inf") else None
    return None


def latency_get(hours: int, now: datetime) -> Latency | None:
    """None if the API has answered nothing in these hours."""
    since = now - timedelta(hours=hours)
    sql = f"SELECT sum(answers)::bigint, sum(stale)::bigint, sum(errors)::bigint FROM {LATENCY.full_name} WHERE minute >= %s"
    ((answers, stale, errors),) = read_rows(LATENCY, sql, since) or [(None, None, None)]
    if not answers:
        return None
    by_bound = f"""
        SELECT bound, sum(number::bigint)::bigint FROM {LATENCY.full_name}, jsonb_each_text(buckets) AS each (bound, number)
        WHERE minute >= %s GROUP BY bound"""
    buckets = {float(bound.lstrip("+")): number for bound, number in read_rows(LATENCY, by_bound, since)}
    return Latency(hours, answers, stale, errors, buckets)
