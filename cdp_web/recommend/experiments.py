"""What the page of an experiment shows: its arms with their results, and the verdict in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cdp.mart.recommend import RESULT_ARM
from cdp.recommend import statistics
from cdp.recommend.statistics import ArmSums, Comparison, Estimate, Plan, Verdict
from cdp_web.layout import formats
from cdp_web.recommend.models import ENDED, Arm, Experiment
from cdp_web.serving.tables import read_rows

#: What a comparison says, in words: a heading, and what to do.
OUTCOMES: Mapping[str, tuple[Promise, Promise]] = {
    statistics.VOID: (
        gettext_lazy("Void"),
        gettext_lazy("The arms have not got the shares of the customers that were planned, so they can't be compared."),
    ),
    statistics.NO_DATA: (gettext_lazy("No result yet"), gettext_lazy("Too few customers have seen a list.")),
    statistics.RUNNING: (
        gettext_lazy("Still open"),
        gettext_lazy("The difference is not certain yet. Wait for the planned end, and do not decide by today's numbers."),
    ),
    statistics.STOP_BETTER: (
        gettext_lazy("Better already"),
        gettext_lazy("The arm is better than the control for certain, also if somebody looks every day. You may stop early."),
    ),
    statistics.STOP_WORSE: (
        gettext_lazy("Worse already"),
        gettext_lazy("The arm is worse than the control for certain, also if somebody looks every day. Stop it."),
    ),
    statistics.BETTER: (gettext_lazy("Better"), gettext_lazy("The arm is better than the control. Let it serve everybody.")),
    statistics.WORSE: (gettext_lazy("Worse"), gettext_lazy("The arm is worse than the control. Keep the control.")),
    statistics.TOO_SMALL: (
        gettext_lazy("Too small a sample"),
        gettext_lazy("Too few customers took part to find the planned effect. That is no proof that both arms are equal."),
    ),
    statistics.NO_DIFFERENCE: (
        gettext_lazy("No difference"),
        gettext_lazy("Enough customers took part, and the planned effect was not found. Keep the simpler arm."),
    ),
}
GOOD = (statistics.BETTER, statistics.STOP_BETTER)
BAD = (statistics.VOID, statistics.WORSE, statistics.STOP_WORSE)


@dataclass(frozen=True, slots=True)
class ArmReport:
    """An arm; the sums are missing before its first customer, and the control has no comparison."""

    arm: Arm
    sums: ArmSums | None
    rate: Estimate | None
    comparison: Comparison | None
    metric: str

    @property
    def difference(self) -> Estimate | None:
        """While the experiment runs, the interval that holds for a look on every day."""
        if self.comparison is None:
            return None
        is_open = self.comparison.outcome in (statistics.RUNNING, statistics.STOP_BETTER, statistics.STOP_WORSE)
        return self.comparison.always if is_open else self.comparison.at_end

    @property
    def missing(self) -> int:
        """Customers that must still take part before the planned effect can be found."""
        is_open = self.comparison is not None and self.comparison.outcome in (statistics.RUNNING, statistics.TOO_SMALL)
        return self.comparison.missing if self.comparison and is_open else 0

    @property
    def rate_text(self) -> str:
        return formats.MISSING if self.rate is None else write_value(self.metric, self.rate.value)

    @property
    def rate_interval(self) -> str:
        return "" if self.rate is None else write_interval(self.metric, self.rate)

    @property
    def difference_text(self) -> str:
        return "" if self.difference is None else write_difference(self.metric, self.difference.value)

    @property
    def difference_interval(self) -> str:
        if self.difference is None:
            return ""
        ends = (write_difference(self.metric, each) for each in (self.difference.low, self.difference.high))
        return _("%(low)s to %(high)s") % dict(zip(("low", "high"), ends, strict=True))

    @property
    def title(self) -> str:
        return str(OUTCOMES[self.comparison.outcome][0]) if self.comparison else ""

    @property
    def advice(self) -> str:
        return str(OUTCOMES[self.comparison.outcome][1]) if self.comparison else ""

    @property
    def tone(self) -> str:
        if self.comparison is None or self.comparison.outcome not in (*GOOD, *BAD):
            return "warn"
        return "good" if self.comparison.outcome in GOOD else "bad"


@dataclass(frozen=True, slots=True)
class ExperimentReport:
    experiment: Experiment
    day: date | None  # of the results; None before the first
    arms: Sequence[ArmReport]
    verdict: Verdict
    days_left: int

    @property
    def has_results(self) -> bool:
        return any(each.sums for each in self.arms)


def experiments_get() -> list[Experiment]:
    return list(Experiment.objects.prefetch_related("arms"))


def experiment_or_404(key: str) -> Experiment:
    experiment = Experiment.objects.prefetch_related("arms").filter(key=key).first()
    if experiment is None:
        raise Http404(_("There is no experiment “%(key)s”.") % {"key": key})
    return experiment


def experiment_read(experiment: Experiment, now: datetime) -> ExperimentReport:
    day, rows = results_get_newest(experiment.key)
    arms = list(experiment.arms.all())
    plan = Plan(
        [arm.name for arm in arms],
        [arm.share for arm in arms],
        experiment.metric,
        experiment.planned_effect / 100,
        experiment.state == ENDED,
    )
    verdict = statistics.judge(plan, rows)
    sums = {row.arm: row for row in rows}
    comparisons = {each.arm: each for each in verdict.comparisons}
    reports = [
        ArmReport(arm, sums.get(arm.name), verdict.rates[arm.name], comparisons.get(arm.name), experiment.metric) for arm in arms
    ]
    return ExperimentReport(experiment, day, reports, verdict, max((experiment.ends_at - now).days, 0))


def results_get_newest(key: str) -> tuple[date | None, list[ArmSums]]:
    """The last day with results, and the sums from the start to its end."""
    columns = ", ".join(ArmSums.__slots__)
    sql = f"""
        SELECT day, {columns} FROM {RESULT_ARM.full_name} result WHERE experiment = %s
        AND day = (SELECT max(day) FROM {RESULT_ARM.full_name} newest WHERE newest.experiment = result.experiment)"""
    rows = read_rows(RESULT_ARM, sql, key)
    return (rows[0][0] if rows else None), [ArmSums(*row[1:]) for row in rows]


def write_value(metric: str, value: float) -> str:
    return formats.money(Decimal(value).quantize(Decimal("0.01"))) if metric == statistics.REVENUE else formats.percent(value, 2)


def write_interval(metric: str, estimate: Estimate) -> str:
    low, high = (write_value(metric, max(each, 0.0)) for each in (estimate.low, estimate.high))
    return _("%(low)s to %(high)s") % {"low": low, "high": high}


def write_difference(metric: str, value: float) -> str:
    """With its sign; rates differ by percentage points."""
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    if metric == statistics.REVENUE:
        return sign + formats.money(Decimal(abs(value)).quantize(Decimal("0.01")))
    return sign + _("%(number)s points") % {"number": formats.number(round(abs(value) * 100, 2))}
