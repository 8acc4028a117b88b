"""Rows of the schema `recommend`, as publication, API and results write them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from cdp.mart.daily import create_statements
from cdp.mart.recommend import LATENCY, PUBLICATION, RECOMMEND_TABLES, RESULT_ARM, RESULT_DAY, RESULT_SHOP, VERSION
from cdp_web.recommend.models import Experiment
from tests.cdp_web.factories import DAY, mart_row, shop_names

TRAINED = datetime(2019, 12, 1, 4, tzinfo=UTC)


def make_tables() -> None:
    with connection.cursor() as cursor:
        for statement in create_statements(RECOMMEND_TABLES):
            cursor.execute(statement)


def version(name: str = "2019-11-30-aa", days_ago: int = 0, *, failed: str = "", ndcg: float = 0.0831) -> None:
    """An evaluated version of two models; `failed` is the check that neither passes."""
    checks = [{"name": each, "passed": each != failed, "reason": f"about {each}"} for each in ("finite", "better than popular")]
    evaluation = {
        "customers": 3180,
        "for_you": {model: {"ndcg_10": value} for model, value in (("als", ndcg), ("alike", 0.06), ("popular", 0.0512))},
        "gate": {"als": checks, "alike": [*checks, {"name": "many products", "passed": False, "reason": "too few"}]},
        "serves": {"for_you": "popular-in-category" if failed else "als", "goes_with": "seen-together"},
    }
    moment = TRAINED - timedelta(days=days_ago)
    times = {"day": DAY - timedelta(days=days_ago), "trained_at": moment, "evaluated_at": moment, "seconds": 95}
    evaluated = {"promoted": not failed, "evaluation": json.dumps(evaluation), "run_url": ""}
    mart_row(VERSION, version=name, **times, **evaluated)


def publication(version_name: str = "2019-11-30-aa") -> None:
    serves = {"version": version_name, "for_you": "als", "goes_with": "seen-together"}
    counts = {"customers": 6675, "products": 15820, "listed_products": 7910, "lake_version": 3, "seconds": 21}
    mart_row(PUBLICATION, publication="p-1", day=DAY, published_at=TRAINED, **serves, **counts)


def result_day(day: date, place: str = "home", source: str = "stored", **sums: Any) -> None:
    empty = {"experiment": "", "arm": ""}
    mart_row(RESULT_DAY, day=day, place=place, list_name="for-you", source=source, **empty, **sums)


def shop_day(day: date, revenue: str) -> None:
    mart_row(RESULT_SHOP, day=day, revenue=Decimal(revenue))


def latency(minute: datetime, buckets: dict[str, int], **counts: int) -> None:
    answers = sum(buckets.values())
    key = {"minute": minute, "process": "1", "place": "home", "source": "stored"}
    mart_row(LATENCY, **key, answers=answers, buckets=json.dumps(buckets), **counts)


def experiment(now: datetime, *, days_left: int = 5, **changes: Any) -> Experiment:
    """Two arms of half the customers each."""
    times = {"starts_at": now - timedelta(days=20), "ends_at": now + timedelta(days=days_left, hours=1)}
    plan = {"key": "als-home", "name": "ALS on the home page", "place": "home", "is_active": True} | times | changes
    made = Experiment.objects.create(**plan)
    for position, (name, serves) in enumerate((("control", "popular"), ("als", "als"))):
        made.arms.create(name=name, serves=serves, share=5000, position=position)
    return made


def arm_result(arm: str, *, customers: int, clicked: int, assigned: int | None = None, day: date = DAY) -> None:
    """Every customer saw four lists, and `clicked` of them clicked one."""
    sums = {
        "seen": 4 * customers, "seen_squares": 16 * customers, "clicked": clicked, "clicked_squares": clicked,
        "seen_clicked": 4 * clicked,
    }  # fmt: skip
    counts = {"assigned": customers if assigned is None else assigned, "customers": customers}
    mart_row(RESULT_ARM, experiment="als-home", arm=arm, day=day, **counts, **sums)


def fill(now: datetime) -> list[str]:
    """Something for every part of the pages; their addresses, and that of a product."""
    make_tables()
    version("2019-11-23-bb", 7, failed="better than popular")
    version()
    publication()
    for days_ago in range(28):
        day = DAY - timedelta(days=days_ago)
        shop_day(day, "9000.00")
        result_day(day, "home", "stored", served=90, seen=70 + days_ago, clicked=5, lines=1, revenue=Decimal("19.90"))
        result_day(day, "cart", "session", served=40, seen=30, clicked=4)
    latency(now - timedelta(minutes=5), {"1": 120, "2": 30, "inf": 1})
    experiment(now)
    arm_result("control", customers=400, clicked=50)
    arm_result("als", customers=410, clicked=70)
    shop_names(products={"1004856": "Samsung Galaxy S10"})
    return ["/recommendations/", "/recommendations/experiments/als-home", "/products/1004856"]
