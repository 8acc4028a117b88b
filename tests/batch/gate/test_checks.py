"""Each check on hand-made figures: values that pass, and the smallest difference that fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from batch.gate.checks import CHECKS, Figures, RestatedDay, ShopTotals, StreamFigures
from batch.gate.verdict import GateClosed, accept, judge, require_open, summarise

DAY = date(2019, 10, 31)
YESTERDAY = DAY - timedelta(days=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MONEY = Decimal("12.50")
#: Three Thursdays with 1,000 events, and one with a sale.
USUAL = {DAY - timedelta(days=back): 1_000 for back in range(1, 29)} | {DAY - timedelta(weeks=2): 2_200, DAY: 900}

RIGHT = Figures(
    day=DAY,
    restated_days=[
        RestatedDay(day, 900, MONEY, rows=300, customers=300, money=MONEY, kpi_events=900, kpi_customers=300, kpi_money=MONEY)
        for day in (YESTERDAY, DAY)
    ],
    rows_read=1_810,
    copies=10,
    snapshot_rows=5_000,
    snapshot=ShopTotals(5_000, 70, Decimal("99.90")),
    history=ShopTotals(5_000, 70, Decimal("99.90")),
    missing={"lifecycle of the snapshot": 0},
    disagreements=(),
    volumes=USUAL,
    quiet=dict.fromkeys(USUAL, 1),
    stream=StreamFigures(1_800, 10, 1_790, 20, False, datetime(2019, 11, 1, 2, tzinfo=UTC)),
)


def run_check(name: str, figures: Figures) -> Any:
    (check,) = [check for check in CHECKS if check.name == name]
    return check.find(figures)


def with_day(**changes: Any) -> Figures:
    return replace(RIGHT, restated_days=[RIGHT.restated_days[0], replace(RIGHT.restated_days[1], **changes)])


def with_stream(**changes: Any) -> Figures:
    assert RIGHT.stream
    return replace(RIGHT, stream=replace(RIGHT.stream, **changes))


def with_quiet(hours: int, **changes: Any) -> Figures:
    """A shop that has no event in the last hours of each day; on one of these days the stream was stopped."""
    return replace(with_stream(**changes), quiet=dict.fromkeys(USUAL, hours) | {DAY - timedelta(weeks=2): 20})


def with_volumes(today: int, *weeks_before: int, first: date = date(2019, 1, 1)) -> Figures:
    before: Mapping[date, int] = {DAY - timedelta(weeks=week): events for week, events in enumerate(weeks_before, 1)}
    return replace(RIGHT, volumes={first: 1, DAY: today, **before})


def closed(*weekdays: int, until: date = DAY, today: int = 0) -> Figures:
    """A shop that has no event on these weekdays, Monday being 0, and whose events end before a day."""
    days = [until - timedelta(days=back) for back in range(1, 61)]
    return replace(RIGHT, volumes={day: 1_000 for day in days if day.weekday() not in weekdays} | {DAY: today})


@pytest.mark.parametrize(
    ("figures", "passes"),
    [
        # A day without events, long after the last event or just after it.
        (closed(until=DAY - timedelta(weeks=300)), False),
        (closed(3, until=DAY - timedelta(weeks=300)), False),
        (closed(3, until=DAY - timedelta(days=1)), False),
        (closed(until=DAY), False),
        (closed(3), True),
        (closed(2, 3), True),
        # Closed on Thursday and Friday: on the Thursday the gap is one day long.
        (closed(3, 4), True),
        (closed(3, until=DAY - timedelta(days=7)), False),
        # A day with events after a gap of 2, 3 and 6 days.
        (closed(until=DAY - timedelta(days=2), today=900), True),
        (closed(until=DAY - timedelta(days=3), today=900), False),
        (closed(0, 1, 2, today=900), True),
        (closed(0, 1, 2, 6, today=900), True),
        (closed(0, 1, 2, until=DAY - timedelta(days=4), today=900), False),
        # The first days of a shop.
        (replace(RIGHT, volumes={DAY: 900}), True),
        (replace(RIGHT, volumes={DAY: 900, DAY - timedelta(days=20): 1}), True),
        (replace(RIGHT, volumes={DAY: 900, DAY - timedelta(days=20): 1, DAY - timedelta(days=27): 1}), False),
    ],
)
def test_empty_days_after_the_data_and_days_after_a_long_gap_fail(figures: Figures, passes: bool) -> None:
    assert run_check("freshness", figures).passed is passes


def test_a_gap_is_reported_with_its_days_and_the_remedy() -> None:
    assert run_check("freshness", closed(6, until=DAY - timedelta(days=5), today=900)).says == (
        "the last day with events before 2019-10-31 is 2019-10-25: 5 days in a row without events; usually at most 1; "
        'load the missing events, or --accept freshness --why "..."'
    )


def test_right_figures_pass_every_check() -> None:
    assert {outcome.name: outcome.state for outcome in judge(RIGHT, ())} == {check.name: "ok" for check in CHECKS}


WRONG: list[tuple[str, Figures, str]] = [
    ("ledger", with_stream(rows=1_789), "good 1,800 + replayed 10 ≠ rows 1,789 + copies that compaction dropped 20"),
    ("ledger", with_stream(rows=1_791), "≠ rows 1,791"),
    ("ledger", with_stream(rows=1_789, has_unwritten_batch=True), "≠ rows 1,789"),
    ("rows", replace(RIGHT, rows_read=1_811), "1,800 events + 10 copies ≠ 1,811 rows"),
    ("rows", with_day(kpi_events=899), "on 2019-10-31 900 events were read, kpi_day has 899"),
    ("rows", with_day(rows=299), "on 2019-10-31 customer_day has 299 rows, kpi_day 300 customers"),
    ("unique", with_day(rows=301, kpi_customers=301), "on 2019-10-31 301 rows are of 300 customers"),
    ("unique", replace(RIGHT, snapshot_rows=5_001), "the snapshot has 5,001 rows of 5,000 customers"),
    ("nulls", replace(RIGHT, missing={"lifecycle of the snapshot": 2}), "lifecycle of the snapshot is missing 2 times"),
    ("money", with_day(events_money=Decimal("12.51")), "on 2019-10-31 the events hold 12.51, customer_day 12.50, kpi_day 12.50"),
    ("money", with_day(money=Decimal("12.49")), "customer_day 12.49"),
    ("money", with_day(kpi_money=Decimal("12.49")), "kpi_day 12.49"),
    ("snapshot", replace(RIGHT, snapshot=ShopTotals(5_000, 70, Decimal("99.89"))), "99.89 of money ≠ all days: 5,000 customers"),
    ("snapshot", replace(RIGHT, snapshot=ShopTotals(4_999, 70, Decimal("99.90"))), "4,999 customers"),
    ("sums", replace(RIGHT, disagreements=["a", "b", "c"]), "a (and 2 more)"),
    (
        "volume",
        with_volumes(330, 1_000, 1_000, 1_000),
        "a usual Thursday has 1,000 (median of 4 weeks): less than a third",
    ),
    ("volume", with_volumes(3_001, 1_000, 900, 1_000, 5_000), "(median of 4 weeks): more than three times as many"),
    ("volume", with_volumes(0, 100, 100, 100), "0 events"),
    (
        "freshness",
        with_volumes(0, 1_000, 1_000, 1_000),
        "there are no events on 2019-10-31; the last day with events is 2019-10-24",
    ),
    (
        "freshness",
        with_stream(received_until=datetime(2019, 10, 31, 17, tzinfo=UTC)),
        "received up to 31 Oct 2019 17:00 UTC, 7 hours before the day's end; usual on a Thursday: 1",
    ),
    (
        "freshness",
        replace(with_stream(received_until=datetime(2019, 10, 31, 17, tzinfo=UTC)), quiet={DAY - timedelta(weeks=1): 23}),
        "7 hours before the day's end",
    ),
    (
        "freshness",
        with_quiet(8, received_until=datetime(2019, 10, 31, 11, tzinfo=UTC)),
        "13 hours before the day's end; usual",
    ),
    ("freshness", with_volumes(0, 0, 0, 1, 1), "there are no events on 2019-10-31"),
    ("freshness", with_volumes(0, 0, 0, 0), "there are no events on 2019-10-31; the last day with events is 2019-01-01"),
    ("freshness", replace(RIGHT, volumes={DAY: 0}), "there are no events on 2019-10-31 or on any day before; load the"),
    ("freshness", with_volumes(0, 0, 0, first=DAY - timedelta(weeks=2)), "there are no events on 2019-10-31"),
]


@pytest.mark.parametrize(("name", "figures", "says"), WRONG)
def test_wrong_figure_fails_its_check(name: str, figures: Figures, says: str) -> None:
    finding = run_check(name, figures)
    assert not finding.passed
    assert says in finding.says


def test_every_check_has_a_wrong_figure() -> None:
    assert {name for name, _, _ in WRONG} == {check.name for check in CHECKS}


@pytest.mark.parametrize(
    ("name", "figures", "says"),
    [
        ("ledger", replace(RIGHT, stream=None), "no stream has written the events"),
        ("ledger", with_stream(rows=1_795, has_unwritten_batch=True), "the stream's last batch is not in its ledger yet"),
        ("volume", with_volumes(334, 1_000, 1_000, 1_000), "334 events"),
        ("volume", with_volumes(3_000, 1_000, 1_000, 1_000), "3,000 events"),
        ("volume", with_volumes(1, 1_000, 1_000, first=DAY - timedelta(weeks=2)), "the history is too short"),
        ("volume", with_volumes(90, 5, 5, 5), "too few to judge"),
        ("volume", with_volumes(900, 0, 0, 0), "too few to judge"),
        # An old day, loaded today.
        ("freshness", with_stream(received_until=datetime(2026, 1, 1, tzinfo=UTC)), "received up to 01 Jan 2026"),
        ("freshness", with_stream(received_until=datetime(2019, 10, 31, 18, tzinfo=UTC)), "received up to 31 Oct 2019 18:00"),
        ("freshness", replace(RIGHT, stream=None), "the day has events"),
        (
            "freshness",
            with_quiet(8, received_until=datetime(2019, 10, 31, 12, tzinfo=UTC)),
            "received up to 31 Oct 2019 12:00",
        ),
        ("freshness", closed(3), "there are no events on 2019-10-31, as usual on a Thursday"),
    ],
)
def test_acceptable_figures_pass_and_are_described(name: str, figures: Figures, says: str) -> None:
    finding = run_check(name, figures)
    assert finding.passed
    assert says in finding.says


def test_day_with_more_refunds_than_purchases_passes() -> None:
    net = Decimal("-3.00")
    assert run_check("money", with_day(events_money=net, money=net, kpi_money=net)).passed


def test_first_of_several_wrong_days_is_named() -> None:
    wrong = replace(RIGHT, restated_days=[replace(day, money=Decimal(0)) for day in RIGHT.restated_days])
    assert run_check("money", wrong).says.startswith("on 2019-10-30 the events hold 12.50")
    assert run_check("money", wrong).says.endswith("(and 1 more)")


def test_closed_gate_names_the_checks_and_the_two_commands() -> None:
    outcomes = judge(replace(with_day(money=Decimal(0)), rows_read=0), ())
    with pytest.raises(GateClosed, match=r"^rows: .*; money: ") as error:
        require_open(outcomes, DAY)
    assert "2 of 9 checks failed" in error.value.text
    assert "./run night --explain" in error.value.text
    assert './run night --day 2019-10-31 --accept rows money --why "..."' in error.value.text


def test_accepted_check_passes_on_record_and_no_other_does() -> None:
    accepted = accept(["volume"], " a holiday ", NOW)
    strange = replace(with_volumes(1, 1_000, 1_000, 1_000), restated_days=RIGHT.restated_days)
    outcomes = judge(strange, accepted)
    require_open(outcomes, DAY)
    (volume,) = [outcome for outcome in outcomes if outcome.name == "volume"]
    assert (volume.state, volume.accepted) == ("accepted", accepted[0])
    assert accept(["volume"], "a holiday", NOW, " anna ")[0].who == "anna"
    assert (accepted[0].why, accepted[0].at) == ("a holiday", "2026-01-01T00:00:00+00:00")
    assert summarise(outcomes) == "9 checks, failed but accepted: volume"
    with pytest.raises(GateClosed):
        require_open(judge(with_day(money=Decimal(0)), accepted), DAY)
    # A check that passes is not recorded as accepted.
    assert {(outcome.state, outcome.accepted) for outcome in judge(RIGHT, accepted)} == {("ok", None)}


@pytest.mark.parametrize(
    ("names", "why", "says"),
    [
        (["volumes"], "so", "'volumes' is not a check; the checks are ledger, rows, unique"),
        (["volume"], " ", '--accept needs a reason: --why "..."'),
        ([], "so", "--why needs --accept CHECK"),
    ],
)
def test_wrong_acceptances_are_refused(names: list[str], why: str, says: str) -> None:
    with pytest.raises(ValueError, match="^" + says.replace(".", r"\.")):
        accept(names, why, NOW)
