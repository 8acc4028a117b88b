"""Periods of the reports: presets and any range of days, cut to the days with data, and the period to compare with.

Periods count back from the published day, never from today.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp.days import day_from_text
from cdp.rules.windows import find_period
from cdp_web.layout import formats

Unit = Literal["days", "month", "quarter"]
ONE_DAY = timedelta(days=1)
DEFAULT_PRESET = "28d"
#: The key of a period that is no preset but a range of its own.
RANGE = "range"
#: An earlier period is compared if data cover at least this share of its days.
MIN_COVERAGE = 0.9
COMPARISONS = {
    "before": gettext_lazy("Period before"),
    "year": gettext_lazy("Year before"),
    "none": gettext_lazy("Nothing"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """Days from first to last, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def overlaps(self, other: Period) -> bool:
        return self.first <= other.last and other.first <= self.last

    def cut(self, other: Period) -> Period:
        """The days that both have; the periods must overlap."""
        return Period(max(self.first, other.first), min(self.last, other.last))

    def move_back(self, days: int) -> Period:
        return Period(self.first - timedelta(days=days), self.last - timedelta(days=days))


@dataclass(frozen=True, slots=True)
class Preset:
    """A period that the picker names; `find` takes the first and the last day with data."""

    key: str
    title: Promise
    find: Callable[[date, date], Period]
    unit: Unit = "days"


@dataclass(frozen=True, slots=True)
class PeriodChoice:
    """What the reader chose. `comparison` is missing if none is wanted or the data do not go back far enough."""

    period: Period
    comparison: Period | None
    preset: str
    compare: str
    #: The chosen periods before they were cut to the days with data.
    whole: Period
    whole_comparison: Period | None
    data: Period

    @property
    def has_data(self) -> bool:
        return self.period.overlaps(self.data)

    @property
    def begins_before_data(self) -> bool:
        return self.whole.first < self.data.first

    @property
    def lacks_comparison(self) -> bool:
        return self.whole_comparison is not None and self.comparison is None

    @property
    def has_other_length(self) -> bool:
        return self.comparison is not None and self.comparison.days != self.period.days

    @property
    def title(self) -> str:
        if preset := PRESETS_BY_KEY.get(self.preset):
            return str(preset.title)
        return f"{formats.day(self.period.first)} – {formats.day(self.period.last)}"

    @property
    def comparison_title(self) -> str:
        return str(COMPARISONS[self.compare])

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of an address with this choice."""
        if self.preset == RANGE:
            chosen = {"from": self.whole.first.isoformat(), "to": self.whole.last.isoformat()}
        else:
            chosen = {"period": self.preset}
        return chosen | {"compare": self.compare}

    @property
    def query(self) -> str:
        return urlencode(self.parameters)


def _count_back(days: int) -> Callable[[date, date], Period]:
    return lambda first, last: Period(last - timedelta(days=days - 1), last)


def _find_calendar(key: str) -> Callable[[date, date], Period]:
    def find(first: date, last: date) -> Period:
        begin, end = find_period(key, last)
        return Period(begin, min(end, last))

    return find


def find_quarter(day: date) -> Period:
    first = date(day.year, day.month - (day.month - 1) % 3, 1)
    return Period(first, find_period("this_month", first + timedelta(days=62))[1])


PRESETS = (
    Preset("7d", gettext_lazy("Last 7 days"), _count_back(7)),
    Preset("28d", gettext_lazy("Last 28 days"), _count_back(28)),
    Preset("90d", gettext_lazy("Last 90 days"), _count_back(90)),
    Preset("this-week", gettext_lazy("This week"), _find_calendar("this_week")),
    Preset("last-week", gettext_lazy("Last week"), _find_calendar("last_week")),
    Preset("this-month", gettext_lazy("This month"), _find_calendar("this_month"), "month"),
    Preset("last-month", gettext_lazy("Last month"), _find_calendar("last_month"), "month"),
    Preset("this-quarter", gettext_lazy("This quarter"), lambda _first, last: Period(find_quarter(last).first, last), "quarter"),
    Preset("all", gettext_lazy("All days"), Period),
)
PRESETS_BY_KEY = {preset.key: preset for preset in PRESETS}


def parse_period(parameters: Mapping[str, str], first_day: date | None, last_day: date) -> PeriodChoice:
    """Read `period`, or `from` and `to`, and `compare`. Raises ValueError with the valid values."""
    data = Period(min(first_day or last_day, last_day), last_day)
    preset, whole = _parse_whole(parameters, data)
    compare = parameters.get("compare") or "before"
    if compare not in COMPARISONS:
        raise ValueError(_("compare with one of these: %(names)s.") % {"names": ", ".join(COMPARISONS)})
    period = whole.cut(data) if whole.overlaps(data) else whole
    unit = PRESETS_BY_KEY[preset].unit if preset != RANGE else "days"
    earlier = None if preset == "all" else find_earlier(period, compare, unit)
    return PeriodChoice(period, _cut_earlier(earlier, data), preset, compare, whole, earlier, data)


def _parse_whole(parameters: Mapping[str, str], data: Period) -> tuple[str, Period]:
    key, first, last = (parameters.get(name) or "" for name in ("period", "from", "to"))
    if not key and (first or last):
        key = RANGE
    if (key or DEFAULT_PRESET) in PRESETS_BY_KEY:
        preset = PRESETS_BY_KEY[key or DEFAULT_PRESET]
        return preset.key, preset.find(data.first, data.last)
    if key != RANGE:
        names = ", ".join(PRESETS_BY_KEY)
        raise ValueError(
            _("choose one of these periods: %(names)s; or two days: from=2019-10-01&to=2019-10-31.") % {"names": names}
        )
    return RANGE, _parse_range(first or data.first.isoformat(), last or data.last.isoformat())


def _parse_range(first: str, last: str) -> Period:
    try:
        period = Period(day_from_text(first), day_from_text(last))
    except ValueError:
        raise ValueError(_("write both days as YYYY-MM-DD, for example from=2019-10-01&to=2019-10-31.")) from None
    if period.last < period.first:
        raise ValueError(_("the first day of a period comes before its last day: from=2019-10-01&to=2019-10-31."))
    return period


def find_earlier(period: Period, compare: str, unit: Unit = "days") -> Period | None:
    """The period to compare with. Days are compared with the same weekdays, months and quarters with the same dates."""
    if compare == "none":
        return None
    if unit != "days":
        return _find_earlier_calendar(period, compare, unit)
    weeks = 52 if compare == "year" else (period.days + 6) // 7
    if period.first.toordinal() <= weeks * 7:
        return None
    return period.move_back(weeks * 7)


def _find_earlier_calendar(period: Period, compare: str, unit: Unit) -> Period:
    """The same part of an earlier month or quarter: all of it if the period is complete."""
    here = find_unit(period.first, unit)
    day = here.first.replace(year=here.first.year - 1) if compare == "year" else here.first - ONE_DAY
    there = find_unit(day, unit)
    if period.last == here.last:
        return there
    return Period(there.first, min(there.first + (period.last - here.first), there.last))


def find_unit(day: date, unit: Unit) -> Period:
    return find_quarter(day) if unit == "quarter" else Period(*find_period("this_month", day))


def _cut_earlier(earlier: Period | None, data: Period) -> Period | None:
    if earlier is None or not earlier.overlaps(data):
        return None
    period = earlier.cut(data)
    return period if period.days >= MIN_COVERAGE * earlier.days else None
