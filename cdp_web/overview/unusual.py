"""Days whose revenue is far from that of the same weekday in the weeks before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from django.utils.translation import gettext as _

from cdp.days import days_between
from cdp_web.layout import formats
from cdp_web.overview.breakdowns import category_cause_get
from cdp_web.overview.names import name_category
from cdp_web.overview.periods import Period
from cdp_web.overview.selectors import KpiDay

#: The same weekdays that a day is compared with, and how many of them it takes at least.
WEEKS, MIN_WEEKS = 8, 3
#: A day is unusual at this many times the usual revenue or more, or at this part of it or less.
HIGH, LOW = Decimal(2), Decimal("0.5")
#: How many unusual days the page explains.
MOST = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """The category that made most of the difference."""

    category: str
    revenue: Decimal
    usual: Decimal
    name: str = ""


@dataclass(frozen=True, slots=True)
class UnusualDay:
    day: date
    revenue: Decimal
    #: The median of the same weekday in the weeks before, `usual_days`.
    usual: Decimal
    usual_days: tuple[date, ...]
    cause: Cause | None = None

    @property
    def ratio(self) -> Decimal:
        return self.revenue / self.usual

    @property
    def is_high(self) -> bool:
        return self.revenue > self.usual


def find_unusual_days(period: Period, days: Mapping[date, KpiDay], data: Period) -> list[UnusualDay]:
    """The most unusual first. `days` also has the weeks before the period; a day without events in them counts as zero."""
    judged = [_judge_day(day, days, data.first) for day in days_between(period.first, period.last)]
    return sorted((day for day in judged if day), key=lambda day: abs(day.revenue - day.usual), reverse=True)


def _judge_day(day: date, days: Mapping[date, KpiDay], first_day: date) -> UnusualDay | None:
    earlier = [day - timedelta(weeks=weeks) for weeks in range(1, WEEKS + 1)]
    usual_days = tuple(other for other in earlier if other >= first_day)
    if len(usual_days) < MIN_WEEKS:
        return None
    usual = median(days[other].revenue if other in days else Decimal(0) for other in usual_days)
    revenue = days[day].revenue if day in days else Decimal(0)
    if usual <= 0 or LOW * usual < revenue < HIGH * usual:
        return None
    return UnusualDay(day, revenue, usual, usual_days)


def unusual_day_explain(day: UnusualDay) -> UnusualDay:
    cause = category_cause_get(day.day, day.usual_days, day.is_high)
    return replace(day, cause=Cause(*cause)) if cause else day


def cause_add_name(day: UnusualDay, categories: Mapping[str, str]) -> UnusualDay:
    """`categories` has names by code."""
    return replace(day, cause=replace(day.cause, name=categories.get(day.cause.category, ""))) if day.cause else day


def describe_unusual_day(day: UnusualDay) -> str:
    texts = {
        "weekday": formats.weekday(day.day),
        "day": formats.day(day.day),
        "revenue": formats.money_short(day.revenue),
        "usual": formats.money_short(day.usual),
        "ratio": formats.number(round(day.ratio, 1)),
    }
    if day.is_high:
        return _("%(weekday)s, %(day)s, had %(revenue)s: %(ratio)s times the %(usual)s of a usual %(weekday)s.") % texts
    return _("%(weekday)s, %(day)s, had only %(revenue)s, against %(usual)s on a usual %(weekday)s.") % texts


def describe_cause(day: UnusualDay) -> str:
    if day.cause is None:
        return ""
    texts = {
        "category": name_category(day.cause.category, day.cause.name),
        "revenue": formats.money_short(day.cause.revenue),
        "usual": formats.money_short(day.cause.usual),
    }
    return _("The largest difference is in %(category)s: %(revenue)s instead of %(usual)s.") % texts
