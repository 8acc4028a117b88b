"""What the administration shows of a trial: the days as bars, the latest findings, and whether the rule could find anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from cdp.days import days_between
from cdp.fraud import TRIAL_DAYS, Finding, RuleKind, Trial, list_empty_tables, try_rule
from cdp.mart.live import ORDER
from cdp.mart.shop import PAYMENT
from cdp.postgres import TABLE_EXISTS
from cdp_web.fraud.alerts import Evidence, parse_evidence

SECONDS = 15
#: A month of orders is sorted in memory.
MEMORY = "128MB"
#: The box of the chart: a column for each day, a gap between two.
COLUMN, HEIGHT, GAP = 10, 48, 2
WIDTH = COLUMN * (TRIAL_DAYS + 1)


@dataclass(frozen=True, slots=True)
class DayBar:
    """A day of the chart, in whole units of its box."""

    day: date
    count: int
    x: int
    width: int
    height: int

    @property
    def y(self) -> int:
        return HEIGHT - self.height


@dataclass(frozen=True, slots=True)
class FindingLine:
    finding: Finding
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class TrialReport:
    trial: Trial
    bars: Sequence[DayBar]
    lines: Sequence[FindingLine]
    #: Why nothing can be found; empty if the streams have written orders.
    missing: str = ""


def trial_report(kind: RuleKind, parameters: Mapping[str, Any], now: datetime | None = None) -> TrialReport:
    now = now or timezone.now()
    if missing := find_missing(kind):
        return TrialReport(Trial({}, ()), (), (), missing)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{SECONDS}s'; SET LOCAL work_mem = '{MEMORY}'; SET LOCAL jit = off")
        trial = try_rule(cursor, kind, parameters, now)
    lines = [FindingLine(finding, parse_evidence(finding.evidence)) for finding in trial.findings]
    return TrialReport(trial, _draw_days(trial.days, now.date()), lines)


def find_missing(kind: RuleKind) -> str:
    """Why a rule of this kind finds nothing: its tables are empty or do not exist. Empty if they have rows."""
    with connection.cursor() as cursor:
        for table in (ORDER, PAYMENT):
            cursor.execute(TABLE_EXISTS, [table.full_name])
            if not cursor.fetchone()[0]:
                return _("The streams have never run, so there is nothing to look through: ./run up live")
        empty = list_empty_tables(cursor, kind)
    if any(table.schema == PAYMENT.schema for table in empty):
        return _("Rules of this kind read the shop's own database, which is not connected: ./run connect")
    return _("The stream “live” has not seen an order yet.") if empty else ""


def _draw_days(days: Mapping[date, int], last: date) -> list[DayBar]:
    shown = list(days_between(last - timedelta(days=TRIAL_DAYS), last))
    most = max(days.values(), default=0) or 1
    counts = [days.get(day, 0) for day in shown]
    heights = [-(-count * HEIGHT // most) for count in counts]
    return [
        DayBar(day, count, place * COLUMN, COLUMN - GAP, height)
        for place, (day, count, height) in enumerate(zip(shown, counts, heights, strict=True))
    ]
