"""The checks between a night's work and its publication: one list. Each is a pure function of figures, and says what it found.

The figures come from several stores (batch/gate/figures.py), so that a number is held against one that took another way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

from cdp.days import day_bounds

#: What is usual is told by the same weekday of so many weeks before; where fewer than three are known, nothing is.
WEEKS, LEAST_WEEKS = 4, 3
#: Fewer events than this say nothing by their number.
SMALL = 100
#: What a sale, a holiday or a campaign may do to a day; more is taken for a fault until somebody says otherwise.
TIMES = 3
#: A quiet shop may take no event for an evening, and one that sleeps then for half as long again as it usually does.
QUIET_HOURS, QUIETER = 6, 1.5
#: The longest usual run of days without events is taken from this many weeks. A shop known for less than a week is not judged.
GAP_WEEKS = 8
#: A gap of so few days is never told of a day that has events.
SMALL_GAP = 2
GAP_REMEDY = 'load what is missing, or --accept freshness --why "..."'


@dataclass(frozen=True, slots=True)
class RestatedDay:
    """One restated day, as Spark read it from the events, as it lies in customer_day, and as the shop's numbers have it."""

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
class Totals:
    """Of all customers, or of all days up to the published one."""

    customers: int = 0
    orders: int = 0
    money: Decimal = Decimal(0)

    def __str__(self) -> str:
        return f"{self.customers:,} customers, {self.orders:,} orders, {self.money:,} of money"


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """The stream's ledger beside the table of events, of one version of it."""

    good: int
    replayed: int
    rows: int
    dropped: int
    unwritten: bool  # the last batch is in the table and not yet in the ledger
    received_until: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the checks look at."""

    day: date
    restated: Sequence[RestatedDay]
    read: int  # rows that the log of the events counts in the restated days
    copies: int
    snapshot_rows: int
    snapshot: Totals
    history: Totals
    missing: Mapping[str, int]  # what must be there -> how often it is not
    disagreements: Sequence[str]  # of the tables in Postgres with the shop's numbers
    volumes: Mapping[date, int]  # events of each day up to the published one
    quiet: Mapping[date, int]  # hours without an event at the end of days before, where that is known
    stream: StreamFigures | None  # none: no stream has written the events


@dataclass(frozen=True, slots=True)
class Gap:
    """Days without an event at a stretch: directly before the published day, which counts where it has none itself."""

    last: date  # the last day before that has events
    empty: int
    longest: int  # of such stretches in the weeks before the last day
    judged: bool  # whether the shop is known long enough to say what is usual

    def __str__(self) -> str:
        return f"{self.empty} day{'s' * (self.empty != 1)} without an event, at most {self.longest} at a stretch are usual"


@dataclass(frozen=True, slots=True)
class Finding:
    passed: bool
    says: str


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    about: str
    find: Callable[[Figures], Finding]


def ledger(figures: Figures) -> Finding:
    stream = figures.stream
    if stream is None:
        return Finding(True, "no stream has written the events, so there is no ledger to hold them against")
    over = stream.rows + stream.dropped - stream.good - stream.replayed
    passed = over == 0 or (stream.unwritten and over > 0)
    says = (
        f"good {stream.good:,} + replayed {stream.replayed:,} {'=' if over == 0 else '≠'}"
        f" rows {stream.rows:,} + copies that compaction dropped {stream.dropped:,}"
    )
    if over and passed:
        says += ": the stream's last batch is not in its ledger yet"
    return Finding(passed, says)


def rows(figures: Figures) -> Finding:
    counted = sum(day.events for day in figures.restated)
    if counted + figures.copies != figures.read:
        return Finding(False, f"{counted:,} events + {figures.copies:,} copies ≠ {figures.read:,} rows of the restated days")

    def differs(day: RestatedDay) -> str:
        if day.events != day.kpi_events:
            return f"{day.events:,} events were read, kpi_day has {day.kpi_events:,}"
        if day.rows != day.kpi_customers:
            return f"customer_day has {day.rows:,} rows, kpi_day {day.kpi_customers:,} customers"
        return ""

    return _each_day(
        figures, differs, f"{counted:,} events + {figures.copies:,} copies = {figures.read:,} rows of the restated days"
    )


def unique(figures: Figures) -> Finding:
    if figures.snapshot_rows != figures.snapshot.customers:
        return Finding(False, f"the snapshot has {figures.snapshot_rows:,} rows of {figures.snapshot.customers:,} customers")

    def differs(day: RestatedDay) -> str:
        return f"{day.rows:,} rows are of {day.customers:,} customers" if day.rows != day.customers else ""

    staged = sum(day.rows for day in figures.restated)
    return _each_day(figures, differs, f"{staged:,} customers' days and {figures.snapshot_rows:,} customers, each once")


def nulls(figures: Figures) -> Finding:
    missing = [f"{what} is missing {count:,} times" for what, count in figures.missing.items() if count]
    return Finding(not missing, "; ".join(missing) or f"nothing is missing in {len(figures.missing)} columns that must be filled")


def money(figures: Figures) -> Finding:
    def differs(day: RestatedDay) -> str:
        if day.events_money == day.money == day.kpi_money:
            return ""
        return f"the events hold {day.events_money:,}, customer_day {day.money:,}, kpi_day {day.kpi_money:,}"

    total = sum((day.money for day in figures.restated), Decimal(0))
    return _each_day(figures, differs, f"{total:,} in {len(figures.restated)} days, the same in events, customer_day and kpi_day")


def snapshot(figures: Figures) -> Finding:
    passed = figures.snapshot == figures.history
    return Finding(passed, f"snapshot: {figures.snapshot} {'=' if passed else '≠'} all days: {figures.history}")


def sums(figures: Figures) -> Finding:
    first, *more = figures.disagreements or ("each table adds up to kpi_day",)
    return Finding(not figures.disagreements, f"{first} (and {len(more)} more)" if more else first)


def volume(figures: Figures) -> Finding:
    today, known = figures.volumes.get(figures.day, 0), _volumes_before(figures)
    usual = _usual(known)
    if usual is None:
        return Finding(True, f"{today:,} events; the history is too short to say what is usual")
    says = f"{today:,} events, usual on a {figures.day:%A} are {usual:,.0f} (the middle of {len(known)} weeks)"
    if usual == 0 or max(today, usual) < SMALL:
        return Finding(True, f"{says}: too few to judge")
    if today * TIMES < usual:
        return Finding(False, f"{says}: less than a third")
    if today > usual * TIMES:
        return Finding(False, f"{says}: more than three times as many")
    return Finding(True, says)


def freshness(figures: Figures) -> Finding:
    """About the published day and never about the clock of this machine, so that an old day can be published at any time."""
    gap = _gap(figures)
    if not figures.volumes.get(figures.day):
        return _empty(figures, gap)
    if gap and gap.judged and gap.empty > max(SMALL_GAP, gap.longest):
        says = f"the last day with events before {figures.day} is {gap.last}: {gap}"
        return Finding(False, f"{says}; {GAP_REMEDY}")
    if figures.stream is None:
        return Finding(True, "the day has events")
    _, end = day_bounds(figures.day)
    until = figures.stream.received_until
    usual = _usual([figures.quiet[day] for day in _weeks_before(figures.day) if day in figures.quiet])
    behind = (end - until) / timedelta(hours=1)
    says = f"the stream has brought what was received up to {until:%d %b %Y %H:%M} UTC"
    if behind > max(QUIET_HOURS, QUIETER * (usual or 0)):
        used = f"; usual on a {figures.day:%A} are {usual:.0f}" if usual is not None else ""
        return Finding(False, f"{says}, {behind:.0f} hours before the day's end{used}")
    return Finding(True, f"the day has events, and {says}")


def _empty(figures: Figures, gap: Gap | None) -> Finding:
    """A weekday on which the shop is closed has no event, as long as the days around it have some."""
    says = f"there is no event of {figures.day}"
    if gap is None:
        return Finding(False, f"{says}, nor of any day before; {GAP_REMEDY}")
    if gap.empty <= gap.longest and _usual(_volumes_before(figures)) == 0:
        return Finding(True, f"{says}, as usual on a {figures.day:%A}")
    return Finding(False, f"{says}; the last day with one is {gap.last}: {gap}; {GAP_REMEDY}")


def _gap(figures: Figures) -> Gap | None:
    """None before the shop's first day with events."""
    known = sorted(day for day, events in figures.volumes.items() if events and day < figures.day)
    if not known:
        return None
    last = known[-1]
    recent = [day for day in known if day >= last - timedelta(weeks=GAP_WEEKS)]
    longest = max(((after - day).days - 1 for day, after in pairwise(recent)), default=0)
    empty = (figures.day - last).days - bool(figures.volumes.get(figures.day))
    return Gap(last, empty, longest, judged=last - known[0] >= timedelta(weeks=1))


def _weeks_before(day: date) -> list[date]:
    return [day - timedelta(weeks=week) for week in range(1, WEEKS + 1)]


def _volumes_before(figures: Figures) -> list[int]:
    """A day after the shop's first without an event has none."""
    first = min(figures.volumes, default=figures.day)
    return [figures.volumes.get(day, 0) for day in _weeks_before(figures.day) if day >= first]


def _usual(known: Sequence[int]) -> float | None:
    return median(known) if len(known) >= LEAST_WEEKS else None


CHECKS: tuple[Check, ...] = (
    Check("ledger", "every good message of the stream is a row of the events, and no other row is", ledger),
    Check("rows", "every row of a restated day was read, is a copy or is counted, and every customer's day has arrived", rows),
    Check("unique", "one row a customer and day, one a customer in the snapshot", unique),
    Check("nulls", "what must be filled is filled", nulls),
    Check("money", "the money of a day is the same in the events, in customer_day and in kpi_day", money),
    Check("snapshot", "the snapshot has the customers, orders and money of all days, to the cent", snapshot),
    Check("sums", "what charts read adds up to kpi_day, on each day and over all of them", sums),
    Check("volume", f"the day has between a third and {TIMES} times the events of the same weekday before", volume),
    Check(
        "freshness", "the published day and those before it have events, and the stream is not hours behind its end", freshness
    ),
)
CHECK_NAMES = tuple(check.name for check in CHECKS)


def _each_day(figures: Figures, differs: Callable[[RestatedDay], str], else_: str) -> Finding:
    """The first day that is wrong is told, and how many more there are."""
    wrong = [(day.day, what) for day in figures.restated if (what := differs(day))]
    if not wrong:
        return Finding(True, else_)
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return Finding(False, f"on {wrong[0][0]} {wrong[0][1]}{more}")
