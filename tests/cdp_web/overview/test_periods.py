from __future__ import annotations

from datetime import date

import pytest

from cdp_web.overview.periods import Period, PeriodChoice, find_earlier, parse_period

FIRST, LAST = date(2018, 1, 1), date(2019, 11, 20)  # a Wednesday


def choose(first_day: date | None = FIRST, last_day: date = LAST, **parameters: str) -> PeriodChoice:
    names = {name.removesuffix("_"): value for name, value in parameters.items()}
    return parse_period(names, first_day, last_day)


def days(first: tuple[int, int], last: tuple[int, int], year: int = 2019) -> Period:
    return Period(date(year, *first), date(year, *last))


@pytest.mark.parametrize(
    ("preset", "period", "before"),
    [
        ("", days((10, 24), (11, 20)), days((9, 26), (10, 23))),
        ("7d", days((11, 14), (11, 20)), days((11, 7), (11, 13))),
        ("90d", days((8, 23), (11, 20)), days((5, 24), (8, 21))),
        ("this-week", days((11, 18), (11, 20)), days((11, 11), (11, 13))),
        ("last-week", days((11, 11), (11, 17)), days((11, 4), (11, 10))),
        ("this-month", days((11, 1), (11, 20)), days((10, 1), (10, 20))),
        ("last-month", days((10, 1), (10, 31)), days((9, 1), (9, 30))),
        ("this-quarter", days((10, 1), (11, 20)), days((7, 1), (8, 20))),
    ],
)
def test_presets_end_with_the_published_day_and_have_a_period_before(preset: str, period: Period, before: Period) -> None:
    choice = choose(period=preset)
    assert (choice.period, choice.comparison) == (period, before)
    assert not choice.begins_before_data


def test_the_period_before_has_the_same_weekdays() -> None:
    for length in range(1, 100):
        period = Period(date(2019, 6, 1), date.fromordinal(date(2019, 6, 1).toordinal() + length - 1))
        before = find_earlier(period, "before")
        assert before is not None
        assert (before.days, before.first.weekday()) == (length, period.first.weekday())
        assert before.last < period.first


@pytest.mark.parametrize(
    ("parameters", "year_before"),
    [
        ({"period": "7d"}, days((11, 15), (11, 21), 2018)),
        ({"period": "last-month"}, days((10, 1), (10, 31), 2018)),
        ({"from": "2019-10-05", "to": "2019-10-06"}, days((10, 6), (10, 7), 2018)),
    ],
)
def test_the_year_before(parameters: dict[str, str], year_before: Period) -> None:
    assert parse_period(parameters | {"compare": "year"}, FIRST, LAST).comparison == year_before


def test_a_whole_february_is_compared_with_a_whole_january() -> None:
    choice = choose(last_day=date(2019, 2, 28), period="this-month")
    assert choice.comparison == days((1, 1), (1, 31))
    assert choice.has_other_length


def test_all_days_have_no_comparison() -> None:
    choice = choose(period="all")
    assert (choice.period, choice.comparison, choice.lacks_comparison) == (Period(FIRST, LAST), None, False)


def test_a_period_is_cut_to_the_days_with_data() -> None:
    choice = choose(first_day=date(2019, 9, 2), period="90d")
    assert choice.period == days((9, 2), (11, 20))
    assert (choice.begins_before_data, choice.lacks_comparison) == (True, True)
    assert choose(from_="2019-11-01", to="2020-01-01").period == days((11, 1), (11, 20))


def test_an_earlier_period_is_cut_if_few_of_its_days_are_missing() -> None:
    october = {"last_day": date(2019, 10, 31), "period": "this-month"}
    choice = choose(first_day=date(2019, 9, 2), **october)  # type: ignore[arg-type]
    assert (choice.comparison, choice.has_other_length) == (days((9, 2), (9, 30)), True)
    choice = choose(first_day=date(2019, 9, 10), **october)  # type: ignore[arg-type]
    assert (choice.comparison, choice.lacks_comparison) == (None, True)


def test_a_period_outside_the_data_stays_and_says_so() -> None:
    choice = choose(from_="2017-01-01", to="2017-01-31")
    assert (choice.has_data, choice.period) == (False, days((1, 1), (1, 31), 2017))


def test_one_end_of_a_range_is_enough() -> None:
    assert choose(from_="2019-11-10").period == days((11, 10), (11, 20))
    assert choose(to="2018-01-10").period == Period(FIRST, date(2018, 1, 10))


def test_without_any_data_the_period_stays_whole() -> None:
    choice = choose(first_day=None, period="all")
    assert choice.period == Period(LAST, LAST)


def test_the_parameters_give_the_same_choice_again() -> None:
    for choice in (choose(period="last-week", compare="year"), choose(from_="2019-10-01", to="2019-10-09", compare="none")):
        assert parse_period(choice.parameters, FIRST, LAST) == choice


@pytest.mark.parametrize(
    ("parameters", "valid"),
    [
        ({"period": "8d"}, "28d"),
        ({"period": "٧d"}, "28d"),
        ({"compare": "decade"}, "year"),
        ({"from": "yesterday"}, "YYYY-MM-DD"),
        ({"from": "2019-02-30", "to": "2019-03-01"}, "YYYY-MM-DD"),
        ({"from": "2019-10-09", "to": "2019-10-01"}, "from=2019-10-01"),
    ],
)
def test_other_values_are_refused_and_the_valid_ones_named(parameters: dict[str, str], valid: str) -> None:
    with pytest.raises(ValueError, match=valid):
        parse_period(parameters, FIRST, LAST)


def test_the_first_days_of_the_calendar_have_no_year_before() -> None:
    assert choose(first_day=date(1, 1, 1), from_="0001-01-01", to="0001-01-02").comparison is None
