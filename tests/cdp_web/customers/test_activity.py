from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cdp_web.customers.activity import Activity, Favourite, Period, activity_get, fill_periods
from cdp_web.customers.figures import chart_activity, chart_favourites, chart_hours
from cdp_web.customers.ranks import Rank, ranks_get
from cdp_web.names.selectors import Names
from cdp_web.serving import snapshot_store
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open
from cdp_web.serving.snapshot_store import KEY
from tests.cdp_web import factories
from tests.cdp_web.factories import DAY, interaction

ROWS = [
    factories.buyer("1", mean_days_between_orders=Decimal("2.500000")),
    factories.buyer("2"),
    factories.customer("3"),
    factories.buyer("4", mean_days_between_orders=Decimal("1.000000")),
]
#: DAY is a Saturday.
INTERACTIONS = [
    interaction("1", events=3, hour=9),
    interaction("1", "cart", hour=10),
    interaction("1", "purchase", hour=10, quantity=2, money=Decimal("20.00")),
    interaction("1", "refund", days_ago=0, money=Decimal("-5.00")),
    interaction("1", days_ago=8, brand="acme", category_2=None, product_id="7", events=5),
    interaction("2", events=90),
]


@pytest.fixture
def snapshot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Snapshot:
    monkeypatch.setattr(snapshot_store, "get_folder", lambda: tmp_path)
    monkeypatch.setattr(snapshot_store, "open_customers", lambda _: factories.arrow(ROWS))
    monkeypatch.setattr(snapshot_store, "open_interactions", lambda _: factories.interactions_arrow(INTERACTIONS))
    return snapshot_open(Publication(1, DAY, datetime(2019, 12, 1, tzinfo=UTC), 1, 1, "profiles_1", {}))


def read_activity(snapshot: Snapshot, customer_id: str, first: date) -> Activity:
    with snapshot.open_session(5) as session:
        (key,) = session.read_row(f"SELECT {KEY} FROM customers WHERE customer_id = ?", [customer_id])
        return activity_get(session, key, first, DAY)


def test_weeks_of_a_short_history(snapshot: Snapshot) -> None:
    activity = read_activity(snapshot, "1", date(2019, 11, 11))
    assert activity.periods == [
        Period(date(2019, 11, 11), 0, 0, 0, Decimal("0.00")),
        Period(date(2019, 11, 18), 5, 0, 0, Decimal("0.00")),
        Period(date(2019, 11, 25), 5, 2, 1, Decimal("15.00")),
    ]


def test_months_of_a_long_history(snapshot: Snapshot) -> None:
    activity = read_activity(snapshot, "1", date(2019, 1, 31))
    assert activity.by_month
    assert [period.first.month for period in activity.periods] == list(range(1, 12))
    assert activity.periods[-1] == Period(date(2019, 11, 1), 10, 2, 1, Decimal("15.00"))


def test_hours_and_favourites(snapshot: Snapshot) -> None:
    activity = read_activity(snapshot, "1", DAY)
    assert activity.hours == {(6, 9): 3, (6, 10): 2, (5, 12): 5}
    assert activity.favourites["brand"] == [
        Favourite("acme", 5, 0, Decimal("0.00")),
        Favourite("samsung", 3, 2, Decimal("15.00")),
    ]
    assert [each.name for each in activity.favourites["category"]] == ["electronics", "electronics.smartphone"]
    assert [(move.event_type, move.hour, move.events) for move in activity.moves] == [("cart", 10, 1), ("purchase", 10, 1)]


def test_a_customer_without_interactions(snapshot: Snapshot) -> None:
    activity = read_activity(snapshot, "3", DAY)
    assert (activity.hours, activity.favourites["brand"], activity.moves) == ({}, [], [])
    assert chart_favourites("brand", [], Names()).rows == []


def test_periods_cover_leap_years_and_month_ends() -> None:
    months = fill_periods([], date(2020, 1, 31), date(2020, 3, 1), by_month=True)
    assert [period.first for period in months] == [date(2020, 1, 1), date(2020, 2, 1), date(2020, 3, 1)]


def test_figures_have_the_numbers_of_their_tables(snapshot: Snapshot) -> None:
    activity = read_activity(snapshot, "1", date(2019, 11, 11))
    money, orders, events = chart_activity(activity.periods, by_month=False).figure.data
    assert list(money.y) == [0.0, 0.0, 15.0]
    assert list(orders.x) == [date(2019, 11, 25)]
    assert list(events.y) == [0, 5, 5]
    (only_events,) = chart_activity(activity.periods[:2], by_month=False).figure.data
    assert list(only_events.y) == [0, 5]
    (heat,) = chart_hours(activity.hours, "en").figure.data
    assert sum(map(sum, heat.z)) == 10
    assert heat.z[5][9] == 3
    favourites = chart_favourites("category", activity.favourites["category"], Names())
    assert list(favourites.figure.data[0].y) == ["electronics", "electronics.smartphone"]
    assert list(favourites.figure.layout.yaxis.ticktext) == ["electronics", "smartphone"]
    assert [row[0] for row in favourites.rows] == ["electronics", "electronics › smartphone"]
    assert list(favourites.figure.data[0].x) == [row[1] for row in favourites.rows]
    assert "category_2" in favourites.links[1]


def test_ranks_compare_with_all_customers_who_have_a_value(snapshot: Snapshot) -> None:
    gap, missing = Decimal("2.500000"), None
    metrics = {"total_purchase_value": Decimal("10.00"), "mean_days_between_orders": gap, "abandonment_rate": missing}
    with snapshot.open_session(5) as session:
        ranks = ranks_get(session, metrics)
    assert ranks == {"total_purchase_value": Rank(4, 1), "mean_days_between_orders": Rank(2, 1)}
    assert (ranks["total_purchase_value"].share_at_top, ranks["total_purchase_value"].share_below) == (0.75, 0.25)
    assert Rank(15_000, 14_999).share_below == 0.999
