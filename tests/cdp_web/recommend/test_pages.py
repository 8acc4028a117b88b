"""The page of the recommendations and that of an experiment: their numbers, their states, and what they say to do."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cdp_web.recommend.latency import find_quantile, latency_get
from tests.cdp_web.factories import DAY
from tests.cdp_web.recommend import rows

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]
PAGE = "/recommendations/"


@pytest.fixture
def tables(publish: Any) -> None:
    publish([])
    rows.make_tables()


class TestDashboard:
    def test_before_the_first_table(self, publish: Any, site: Client) -> None:
        publish([])
        page = site.get(PAGE).content.decode()
        assert f"./run recommend train --day {DAY}" in page
        assert "./run up recommend" in page

    def test_each_missing_part_says_what_to_do(self, tables: None, site: Client) -> None:
        rows.version()
        page = site.get(PAGE).content.decode()
        assert f"./run recommend publish --day {DAY}" in page
        assert f"./run recommend results --day {DAY}" in page
        assert "The API has answered nothing in the last 24 hours." in page

    def test_numbers(self, tables: None, site: Client, django_assert_max_num_queries: Any) -> None:
        rows.version()
        rows.publication()
        rows.shop_day(DAY, "900.00")
        rows.shop_day(DAY - timedelta(days=28), "1.00")  # before the 28 days
        rows.result_day(DAY - timedelta(days=28), served=1000, seen=1000, clicked=1000)
        rows.result_day(DAY, served=100, seen=80, clicked=4, lines=1, revenue=Decimal("30.00"))
        rows.result_day(DAY, "cart", "session", served=50, seen=20, clicked=6, lines=2, revenue=Decimal("60.00"))
        with django_assert_max_num_queries(30):
            answer = site.get(PAGE)
        tiles = {tile.key: (tile.value, tile.note) for tile in answer.context["tiles"]}
        assert tiles == {
            "ctr": ("10.0%", "10 of 100 lists"),
            "conversion": ("30.0%", "3 order lines"),
            "revenue": ("$90.00", "10.0% of the shop's revenue"),
            "seen": ("100", "of 150 that were served"),
        }
        assert [(name, sums.seen) for name, sums in answer.context["parts"]] == [("Cart", 20), ("Home page", 80)]
        by_source = site.get(f"{PAGE}?by=source").context["parts"]
        assert [(name, sums.ctr) for name, sums in by_source] == [
            ("List of the last publication", 0.05),
            ("What the customer looks at now", 0.3),
        ]
        page = answer.content.decode()
        assert "50.0%" in page  # coverage
        assert "Taste of similar customers" in page

    def test_seen_lists_as_a_file(self, tables: None, site: Client) -> None:
        rows.shop_day(DAY, "1.00")
        rows.result_day(DAY, seen=7)
        lines = site.get(f"{PAGE}?csv=seen").content.decode().splitlines()
        assert len(lines) == 29
        assert (lines[0], lines[-1]) == ("Day,Home page", f"{DAY},7")

    def test_a_wrong_part_names_the_right_ones(self, tables: None, site: Client) -> None:
        answer = site.get(f"{PAGE}?by=moon")
        assert answer.status_code == 400
        assert "place, source" in answer.content.decode()

    def test_why_a_version_was_promoted(self, tables: None, site: Client) -> None:
        rows.version()
        answer = site.get(PAGE)
        assert [(model.name, model.is_good) for model in answer.context["judged"]] == [("als", True), ("alike", False)]
        assert "Version 2019-11-30-aa passed." in answer.content.decode()

    def test_why_a_version_was_refused(self, tables: None, site: Client) -> None:
        rows.version("2019-11-23-bb", 7)
        rows.version(failed="better than popular")
        page = site.get(PAGE).content.decode()
        assert "No model of version 2019-11-30-aa passed every check" in page
        assert "About better than popular." in page

    def test_quality_has_a_line_for_each_model(self, tables: None, site: Client) -> None:
        rows.version("2019-11-23-bb", 7, ndcg=0.07)
        rows.version()
        lines = site.get(f"{PAGE}?csv=quality").content.decode().splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == ["2019-11-23-bb", "2019-11-30-aa"]
        assert lines[2].endswith("0.0600,0.0831,0.0512")


class TestLatency:
    def test_quantiles_are_the_bounds_of_their_buckets(self) -> None:
        buckets = {1.0: 90, 2.0: 8, 5.0: 1, float("inf"): 1}
        assert [find_quantile(buckets, share) for share in (0.5, 0.95, 0.99, 1.0)] == [1.0, 2.0, 5.0, None]

    def test_minutes_of_the_window_add_up(self, tables: None) -> None:
        now = timezone.now()
        rows.latency(now - timedelta(minutes=3), {"1": 5, "+Inf": 1}, stale=2)
        rows.latency(now - timedelta(minutes=2), {"1": 4, "2": 10}, errors=1)
        rows.latency(now - timedelta(hours=2), {"1": 100})
        found = latency_get(1, now)
        assert found is not None
        assert (found.answers, found.stale, found.errors) == (20, 2, 1)
        assert found.buckets == {1.0: 9, 2.0: 10, float("inf"): 1}

    def test_nothing_was_answered(self, tables: None) -> None:
        assert latency_get(24, timezone.now()) is None


class TestExperiment:
    def test_before_the_first_result(self, tables: None, site: Client) -> None:
        rows.experiment(timezone.now())
        assert 'href="/recommendations/experiments/als-home"' in site.get(PAGE).content.decode()
        answer = site.get("/recommendations/experiments/als-home")
        assert answer.context["report"].days_left == 5
        assert f"./run recommend results --day {DAY}" in answer.content.decode()

    def test_an_unknown_one(self, tables: None, site: Client) -> None:
        answer = site.get("/recommendations/experiments/moon")
        assert answer.status_code == 404
        assert "There is no experiment “moon”." in answer.content.decode()

    @pytest.mark.parametrize(
        ("clicked", "customers", "days_left", "title"),
        [
            (900, 4000, -1, "Better"),
            (420, 4000, -1, "Worse"),
            (18, 100, -1, "Too small a sample"),
            (601, 4000, -1, "No difference"),
            (601, 4000, 5, "Still open"),
            (1200, 4000, 5, "Better already"),
            (200, 4000, 5, "Worse already"),
        ],
    )
    def test_verdicts(self, clicked: int, customers: int, days_left: int, title: str, tables: None, site: Client) -> None:
        rows.experiment(timezone.now(), days_left=days_left, planned_effect=25)
        rows.arm_result("control", customers=customers, clicked=customers * 3 // 20)
        rows.arm_result("als", customers=customers, clicked=clicked)
        answer = site.get("/recommendations/experiments/als-home")
        control, arm = answer.context["report"].arms
        assert (control.title, control.rate_text, arm.title) == ("", "3.75%", title)
        assert f">{title}</span>" in answer.content.decode()

    def test_results_are_of_the_newest_day(self, tables: None, site: Client) -> None:
        rows.experiment(timezone.now())
        for days_ago, clicked in ((1, 10), (0, 40)):
            for arm in ("control", "als"):
                rows.arm_result(arm, customers=400, clicked=clicked, day=DAY - timedelta(days=days_ago))
        report = site.get("/recommendations/experiments/als-home").context["report"]
        assert (report.day, [each.sums.clicked for each in report.arms]) == (DAY, [40, 40])

    def test_arms_without_their_shares_are_void(self, tables: None, site: Client) -> None:
        rows.experiment(timezone.now())
        rows.arm_result("control", customers=400, clicked=40, assigned=600)
        rows.arm_result("als", customers=400, clicked=80, assigned=400)
        page = site.get("/recommendations/experiments/als-home").content.decode()
        assert "Do not use these results." in page
        assert "Better" not in page
