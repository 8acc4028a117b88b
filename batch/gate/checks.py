"""The one list of checks that a night must pass before it publishes. Each check is a pure function of figures.

The figures come from several stores (batch/gate/figures.py), so that a check compares numbers that were computed independently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

from cdp.days import day_bounds
from cdp.ledger import EventBalance

#: The same weekday of the last WEEKS weeks shows what is usual. With fewer than LEAST_WEEKS of them, nothing counts as usual.
WEEKS, LEAST_WEEKS = 4, 3
#: Fewer events than this are too few to judge a day by their number.
SMALL = 100
#: A sale, a holiday or a campaign may multiply or divide the events of a day by this. More counts as a fault unless accepted.
TIMES = 3
#: A day may end with this many hours without events, or with this many times as many as usual on its weekday.
QUIET_HOURS, QUIETER = 6, 1.5
#: The longest usual gap (days in a row without events) is that of this many weeks. A shop known for less than a week is not
#: judged.
GAP_WEEKS = 8
#: A gap of at most this many days before a day that has events is never a fault.
SMALL_GAP = 2
GAP_REMEDY = 'load the missing events, or --accept freshness --why "..."'


@dataclass(frozen=True, slots=True)
class RestatedDay:
    """One restated day: in the events as Spark read them, in customer_day, and in kpi_day."""

    day: date
    events: int = 0
    events_money: Decimal = Decimal(0)
    rows: int = 0  # of customer_day, in Postgres
    customers: int = 0  # distinct among them
    money: Decimal = Decimal(0)
    kpi_events: int = 0
    kpi_customers: int = 0
    kpi_money: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class ShopTotals:
    """Totals of all customers, or of all days up to the published one."""

    customers: int = 0
    orders: int = 0
    money: Decimal = Decimal(0)

    def __str__(self) -> str:
        return f"{self.customers:,} customers, {self.orders:,} orders, {self.money:,} of money"


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """Numbers of the stream's ledger and of the table of events, for one version of the table."""

    good: int
    replayed: int
    rows: int
    dropped: int
    has_unwritten_batch: bool  # whether the last batch is in the table but not yet in the ledger
    received_until: datetime

    @property
    def balance(self) -> EventBalance:
        return EventBalance(self.good, self.replayed, self.rows, self.dropped)


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that the checks look at."""

    day: date
    restated_days: Sequence[RestatedDay]
    rows_read: int  # rows of the restated days, according to the log of the events
    copies: int
    snapshot_rows: int
    snapshot: ShopTotals
    history: ShopTotals
    missing: Mapping[str, int]  # required value -> how often it is missing
    disagreements: Sequence[str]  # between the tables in Postgres and kpi_day
    volumes: Mapping[date, int]  # events of each day up to the published one
    quiet: Mapping[date, int]  # hours without an event at the end of each earlier day, if known
    stream: StreamFigures | None  # None if no stream has written the events


@dataclass(frozen=True, slots=True)
class EventGap:
    """Days in a row without events that end just before the published day, or with it if it has no events either."""

    last: date  # the last earlier day with events
    empty: int
    longest: int  # the longest gap in the weeks before the last day
    is_judged: bool  # whether the shop is known for long enough

    def __str__(self) -> str:
        return f"{self.empty} day{'s' * (self.empty != 1)} in a row without events; usually at most {self.longest}"


@dataclass(frozen=True, slots=True)
class CheckFinding:
    passed: bool
    says: str


@dataclass(frozen=True, slots=True)
class GateCheck:
    name: str
    about: str
    find: Callable[[Figures], CheckFinding]


def check_ledger(figures: Figures) -> CheckFinding:
    stream = figures.stream
    if stream is None:
        return CheckFinding(True, "no stream has written the events, so there is no ledger to compare with")
    surplus = stream.balance.surplus
    if surplus == 0:
        accepted = stream.good + stream.replayed
        return CheckFinding(True, f"all {accepted:,} accepted events are stored: none lost, none counted twice")
    passed = stream.has_unwritten_batch and surplus > 0
    says = stream.balance.describe("≠")
    if passed:
        says += ": the stream's last batch is not in its ledger yet"
    return CheckFinding(passed, says)


def check_rows(figures: Figures) -> CheckFinding:
    counted = sum(day.events for day in figures.restated_days)
    if counted + figures.copies != figures.rows_read:
        return CheckFinding(
            False, f"{counted:,} events + {figures.copies:,} copies ≠ {figures.rows_read:,} rows of the restated days"
        )

    def differs(day: RestatedDay) -> str:
        if day.events != day.kpi_events:
            return f"{day.events:,} events were read, kpi_day has {day.kpi_events:,}"
        if day.rows != day.kpi_customers:
            return f"customer_day has {day.rows:,} rows, kpi_day {day.kpi_customers:,} customers"
        return ""

    return _check_days(
        figures, differs, f"{counted:,} events + {figures.copies:,} copies = {figures.rows_read:,} rows of the restated days"
    )


def check_unique(figures: Figures) -> CheckFinding:
    if figures.snapshot_rows != figures.snapshot.customers:
        return CheckFinding(False, f"the snapshot has {figures.snapshot_rows:,} rows of {figures.snapshot.customers:,} customers")

    def differs(day: RestatedDay) -> str:
        return f"{day.rows:,} rows are of {day.customers:,} customers" if day.rows != day.customers else ""

    staged = sum(day.rows for day in figures.restated_days)
    return _check_days(figures, differs, f"no duplicates among {figures.snapshot_rows:,} customers and {staged:,} customer days")


def check_nulls(figures: Figures) -> CheckFinding:
    missing = [f"{name} is missing {count:,} times" for name, count in figures.missing.items() if count]
    return CheckFinding(not missing, "; ".join(missing) or f"no value is missing in {len(figures.missing)} required columns")


def check_money(figures: Figures) -> CheckFinding:
    def differs(day: RestatedDay) -> str:
        if day.events_money == day.money == day.kpi_money:
            return ""
        return f"the events hold {day.events_money:,}, customer_day {day.money:,}, kpi_day {day.kpi_money:,}"

    total = sum((day.money for day in figures.restated_days), Decimal(0))
    return _check_days(
        figures, differs, f"{total:,} in {len(figures.restated_days)} days, the same in the events, customer_day and kpi_day"
    )


def check_snapshot(figures: Figures) -> CheckFinding:
    passed = figures.snapshot == figures.history
    return CheckFinding(passed, f"snapshot: {figures.snapshot} {'=' if passed else '≠'} all days: {figures.history}")


def check_sums(figures: Figures) -> CheckFinding:
    first, *more = figures.disagreements or ("each table adds up to kpi_day",)
    return CheckFinding(not figures.disagreements, f"{first} (and {len(more)} more)" if more else first)


def check_volume(figures: Figures) -> CheckFinding:
    today, earlier = figures.volumes.get(figures.day, 0), _list_volumes_before(figures)
    usual = _find_usual(earlier)
    if usual is None:
        return CheckFinding(True, f"{today:,} events; the history is too short to know what is usual")
    says = f"{today:,} events; a usual {figures.day:%A} has {usual:,.0f} (median of {len(earlier)} weeks)"
    if usual == 0 or max(today, usual) < SMALL:
        return CheckFinding(True, f"{says}: too few to judge")
    if today * TIMES < usual:
        return CheckFinding(False, f"{says}: less than a third")
    if today > usual * TIMES:
        return CheckFinding(False, f"{says}: more than three times as many")
    return CheckFinding(True, says)


def check_freshness(figures: Figures) -> CheckFinding:
    """Looks at the published day and never at the clock of this machine, so an old day can be published at any time."""
    gap = _find_gap(figures)
    if not figures.volumes.get(figures.day):
        return _check_empty_day(figures, gap)
    if gap and gap.is_judged and gap.empty > max(SMALL_GAP, gap.longest):
        says = f"the last day with events before {figures.day} is {gap.last}: {gap}"
        return CheckFinding(False, f"{says}; {GAP_REMEDY}")
    if figures.stream is None:
        return CheckFinding(True, "the day has events")
    _, end = day_bounds(figures.day)
    until = figures.stream.received_until
    usual = _find_usual([figures.quiet[day] for day in _list_weeks_before(figures.day) if day in figures.quiet])
    behind = (end - until) / timedelta(hours=1)
    says = f"the stream has written the events received up to {until:%d %b %Y %H:%M} UTC"
    if behind > max(QUIET_HOURS, QUIETER * (usual or 0)):
        usually = f"; usual on a {figures.day:%A}: {usual:.0f}" if usual is not None else ""
        return CheckFinding(False, f"{says}, {behind:.0f} hours before the day's end{usually}")
    return CheckFinding(True, f"the day has events, and {says}")


def _check_empty_day(figures: Figures, gap: EventGap | None) -> CheckFinding:
    """A weekday on which the shop is always closed may have no events, as long as the days around it have some."""
    says = f"there are no events on {figures.day}"
    if gap is None:
        return CheckFinding(False, f"{says} or on any day before; {GAP_REMEDY}")
    if gap.empty <= gap.longest and _find_usual(_list_volumes_before(figures)) == 0:
        return CheckFinding(True, f"{says}, as usual on a {figures.day:%A}")
    return CheckFinding(False, f"{says}; the last day with events is {gap.last}: {gap}; {GAP_REMEDY}")


def _find_gap(figures: Figures) -> EventGap | None:
    """None if no earlier day has events."""
    days = sorted(day for day, events in figures.volumes.items() if events and day < figures.day)
    if not days:
        return None
    last = days[-1]
    recent = [day for day in days if day >= last - timedelta(weeks=GAP_WEEKS)]
    longest = max(((after - day).days - 1 for day, after in pairwise(recent)), default=0)
    empty = (figures.day - last).days - bool(figures.volumes.get(figures.day))
    return EventGap(last, empty, longest, is_judged=last - days[0] >= timedelta(weeks=1))


def _list_weeks_before(day: date) -> list[date]:
    return [day - timedelta(weeks=week) for week in range(1, WEEKS + 1)]


def _list_volumes_before(figures: Figures) -> list[int]:
    """The events of the same weekday in earlier weeks: 0 for a day without events after the shop's first day."""
    first = min(figures.volumes, default=figures.day)
    return [figures.volumes.get(day, 0) for day in _list_weeks_before(figures.day) if day >= first]


def _find_usual(values: Sequence[int]) -> float | None:
    return median(values) if len(values) >= LEAST_WEEKS else None


CHECKS: tuple[GateCheck, ...] = (
    GateCheck("ledger", "the events have one row for every good message of the stream, and no other rows", check_ledger),
    GateCheck("rows", "every row of a restated day is counted or is a copy, and every customer's day is in Postgres", check_rows),
    GateCheck("unique", "one row per customer and day, one per customer in the snapshot", check_unique),
    GateCheck("nulls", "no required value is missing", check_nulls),
    GateCheck("money", "the money of a day is the same in the events, in customer_day and in kpi_day", check_money),
    GateCheck("snapshot", "the snapshot has the customers, orders and money of all days, to the cent", check_snapshot),
    GateCheck("sums", "the chart tables add up to kpi_day, on each day and over all days", check_sums),
    GateCheck(
        "volume", f"the day has between a third and {TIMES} times the events of the same weekday in earlier weeks", check_volume
    ),
    GateCheck(
        "freshness",
        "the published day and those before it have events, and the stream is not hours behind its end",
        check_freshness,
    ),
)
CHECK_NAMES = tuple(check.name for check in CHECKS)


def _check_days(figures: Figures, differs: Callable[[RestatedDay], str], success: str) -> CheckFinding:
    """Names the first wrong day, and how many more there are."""
    wrong = [(day.day, difference) for day in figures.restated_days if (difference := differs(day))]
    if not wrong:
        return CheckFinding(True, success)
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return CheckFinding(False, f"on {wrong[0][0]} {wrong[0][1]}{more}")
