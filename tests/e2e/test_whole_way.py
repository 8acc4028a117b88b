"""The whole way by the commands and pages that people use: hand-written events go in, exact numbers come out in every store."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psycopg2
import pytest
from deltalake import DeltaTable
from playwright.sync_api import Page, expect
from pymongo import MongoClient

from cdp.lake.paths import COMPACTIONS, CUSTOMERS, EVENTS, QUARANTINE, table_url
from cdp.metrics import BY_KEY
from cdp.settings import REPOSITORY, Settings
from cdp_web.layout.formats import money_short
from tests.e2e import story
from tests.e2e.conftest import STACK, Airflow, run_verb
from tests.e2e.independent import read_overview, read_revenue_orders_customers

LAST_DAY = "2021-06-12"  # of the generated history
pytestmark = [pytest.mark.subprocess, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def published(shop: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The first three days, loaded and published."""
    load_events(tmp_path_factory.mktemp("story") / "first.ndjson", story.FIRST_DAYS)
    run_verb("stream", "--once")
    run_verb("night", "--day", story.LAST_DAY)
    return shop


def load_events(file: Path, events: tuple[story.Event, ...], *others: Path) -> None:
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    run_verb("load", str(file), *map(str, others))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve generated days after those of the story, with dirt, copies and late events."""
    file = tmp_path_factory.mktemp("history") / "history.parquet"
    shape = ("--days", "12", "--customers", "300", "--events", "6000", "--seed", "11", "--last-day", LAST_DAY)
    subprocess.run([sys.executable, "-m", "source_server.generate", "--out", str(file), *shape], check=True, cwd=REPOSITORY)
    return file


def read_rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with psycopg2.connect(
        host=settings.postgres_host, port=settings.postgres_port, user=settings.postgres_user,
        password=settings.postgres_password, dbname=settings.postgres_database,
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        cursor.execute(sql)
        return list(cursor.fetchall())


def read_table(settings: Settings, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = DeltaTable(table_url(settings, name)).to_pyarrow_table().to_pylist()
    return rows


def test_every_event_is_on_hdfs_or_in_quarantine(published: Settings) -> None:
    good, refused = read_table(published, EVENTS), read_table(published, QUARANTINE)
    assert len({event["event_id"] for event in good}) == len(story.FIRST_DAYS) - len(story.REFUSED) - 1
    assert {row["reason"] for row in refused} == story.REFUSED
    dropped = sum(row["dropped"] for row in read_table(published, COMPACTIONS))
    assert dropped == 1, "the night's compaction drops the copy"
    assert len(good) + dropped + len(refused) == len(story.FIRST_DAYS)
    assert "1000000000000000001" in {event["product_id"] for event in good}
    output = run_verb("ledger", "--recount").out
    assert "ok   events on HDFS: good 10 + replayed 0 = rows 9 + copies that compaction dropped 1" in output
    assert "acknowledged by the source 12 - received by the stream 12 = 0 waiting in Kafka" in output


def test_day_level_numbers_are_exact_in_postgres(published: Settings) -> None:
    rows = read_rows(published, f"SELECT day, {', '.join(story.KPI_COLUMNS)} FROM mart.kpi_day ORDER BY day")
    assert {str(day): tuple(numbers) for day, *numbers in rows} == story.KPI
    spent = read_rows(published, "SELECT customer_id, sum(revenue) FROM mart.customer_day GROUP BY 1 ORDER BY 1")
    assert spent == [("ann", Decimal("25.50")), ("bob", Decimal("0.00")), ("cid", Decimal("0.00"))]


def test_profiles_are_exact_in_the_snapshot_and_in_mongodb(published: Settings) -> None:
    snapshot = {row["customer_id"]: row for row in read_table(published, CUSTOMERS)}
    assert set(snapshot) == set(story.CUSTOMERS)
    collection = read_rows(published, "SELECT profiles_collection FROM mart.publication ORDER BY id DESC LIMIT 1")[0][0]
    documents = MongoClient(published.mongo_url)[published.mongo_database][collection]
    for customer, metrics in story.CUSTOMERS.items():
        document = documents.find_one({"_id": customer})
        for key, value in metrics.items():
            assert to_plain(snapshot[customer][key]) == value, (customer, key)
            # The reader of a document counts the days up to the published one.
            assert BY_KEY[key].since or to_plain(document[key]) == value, (customer, key)


def to_plain(value: Any) -> Any:
    """The value in the type that the story uses, whatever the store's type."""
    if isinstance(value, date):
        return value.isoformat()
    return value.to_decimal() if hasattr(value, "to_decimal") else value


def test_the_overview_and_a_customer_show_the_numbers(published: Settings, page: Page) -> None:
    expect(page.locator("[data-kpi=revenue]")).to_contain_text("25.50")
    expect(page.locator("[data-kpi=orders]")).to_contain_text("2")
    expect(page.locator("[data-kpi=customers]")).to_contain_text("3")
    page.goto("/customers/ann")
    expect(page.locator("main")).to_contain_text("25.50")
    expect(page.locator("main")).to_contain_text("12.75")


def test_a_segment_is_run_by_the_worker_and_shows_its_members(published: Settings, page: Page) -> None:
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    token = next(value for name, value in cookies.items() if name.endswith("_csrf"))
    headers = {"X-CSRFToken": token, "Referer": published.web_url}
    response = page.request.post("/api/v1/segments", data={"name": "Regulars", "rule": story.RULE}, headers=headers)
    assert response.status == 201, response.text()
    page.goto(f"/segments/{response.json()['id']}/members")
    members = page.locator("table a[href*='/customers/']")
    expect(members).to_have_count(len(story.MEMBERS), timeout=30_000)
    assert {text.strip() for text in members.all_inner_texts()} == story.MEMBERS
    expect(page.locator(".sentence")).to_contain_text("Orders is at least 2")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_cluster_finds_the_members_that_the_site_finds(published: Settings) -> None:
    """Each segment is computed by DuckDB and then by Spark: through Airflow, on HDFS, about 20 seconds each."""
    run_verb("segments", "refresh")
    here = read_runs(published, "duckdb")
    assert here
    run_verb("segments", "refresh", CDP_SEGMENT_CLUSTER_ROWS="0")
    deadline = time.monotonic() + 1500
    while read_rows(published, "SELECT FROM segments_segmentrun WHERE status IN ('queued', 'running')"):
        assert time.monotonic() < deadline, read_rows(published, "SELECT run, state, step, error FROM mart.segment_job")
        time.sleep(2)
    assert read_runs(published, "spark") == {segment: ("done", count, 0, 0) for segment, (_, count, _, _) in here.items()}
    assert read_rows(published, "SELECT count(*) FROM mart.segment_job_member") == [(0,)]


def read_runs(settings: Settings, engine: str) -> dict[int, tuple[Any, ...]]:
    """Status, members, entered and left of the last run of each segment on this engine."""
    columns = 'segment_id, status, count, entered, "left"'
    query = (
        f"SELECT DISTINCT ON (segment_id) {columns} FROM segments_segmentrun WHERE engine = '{engine}' ORDER BY segment_id, id"
    )
    return {segment: tuple(values) for segment, *values in read_rows(settings, f"{query} DESC")}


def test_airflow_publishes_the_next_days(
    published: Settings, page: Page, airflow: Airflow, history: Path, tmp_path: Path
) -> None:
    """One day of the story and twelve generated ones, whose numbers are also computed from the file itself."""
    load_events(tmp_path / "next.ndjson", story.NEXT_DAY, history)
    assert airflow.run_night(LAST_DAY) == "success"
    assert read_rows(published, "SELECT orders, revenue FROM mart.kpi_day WHERE day = '2021-05-04'") == [(1, Decimal("99.99"))]
    expected = read_revenue_orders_customers(history)
    assert len(expected) == 12
    rows = read_rows(published, "SELECT day::text, revenue, orders, customers FROM mart.kpi_day WHERE day >= '2021-06-01'")
    assert {day: tuple(numbers) for day, *numbers in rows} == expected

    page.goto("/")
    revenue = sum(revenue for revenue, _, _ in expected.values())
    expect(page.locator("[data-kpi=revenue]")).to_contain_text(money_short(Decimal(revenue)))
    expect(page.locator("main, header").filter(has_text=re.compile("12 Jun 2021|2021-06-12")).first).to_be_visible()
    assert read_rows(published, "SELECT day::text FROM mart.publication ORDER BY id DESC LIMIT 1") == [(LAST_DAY,)]
    runs = read_rows(published, f"SELECT count(*) FROM segments_segmentrun WHERE day = '{LAST_DAY}' AND status = 'done'")
    assert runs[0][0] >= 1


def test_the_overview_agrees_with_the_events_of_three_days(published: Settings, page: Page, history: Path) -> None:
    """The site's numbers of the days that the test before published, and a second reading of the generated file."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    days = Random(seed).sample([f"2021-06-{number:02}" for number in range(1, 13)], 3)
    for first, last in ((days[0], days[0]), (days[1], days[1]), (days[2], days[2]), (min(days), max(days))):
        answer = page.request.get(f"/api/v1/overview?from={first}&to={last}").json()
        expected = read_overview(history, first, last)
        values = {kpi["key"]: kpi["value"] for kpi in answer["kpis"] if kpi["key"] in expected}
        assert {key: Decimal(value) for key, value in values.items()} == expected, (seed, first, last)
        assert sum(Decimal(str(value)) for value in answer["series"]["revenue"]) == expected["revenue"]


def test_a_customer_clicks_a_recommendation_and_buys(published: Settings, page: Page, tmp_path: Path) -> None:
    """From the events of the days before to lists, a click, an order, and the arm of an experiment that gets the credit."""
    run_verb("recommend", "train", "--day", LAST_DAY, "--models", "seen-together", "alike")
    run_verb("recommend", "evaluate")
    run_verb("recommend", "publish", "--day", LAST_DAY)
    start_experiment()
    run_verb("up", "recommend", "stream-exposures")
    views = "SELECT customer_id FROM mart.customer_day GROUP BY 1 ORDER BY sum(views) DESC, 1 LIMIT 1"
    ((customer,),) = read_rows(published, views)
    with httpx.Client(base_url=published.recommend_url, headers={"Authorization": f"Bearer {published.recommend_token}"}) as api:
        listed = api.get(f"/v1/customers/{customer}/recommendations", params={"place": "home", "count": 5}).json()
        assert (listed["source"], listed["stale"], listed["experiment"], len(listed["items"])) == ("stored", False, "walk", 5)
        product, exposure = listed["items"][0]["product_id"], listed["exposure_id"]
        assert listed["items"][0]["reason"]["text"]
        assert api.post(f"/v1/exposures/{exposure}/seen").is_success
        assert api.post(f"/v1/exposures/{exposure}/click", json={"product_id": product}).is_success
    wait_for_rows(published, f"SELECT 1 FROM recommend.click WHERE exposure_id = '{exposure}'")
    bought_at = datetime.now(UTC)
    bought = story.event(f"{bought_at:%Y-%m-%d %H:%M:%S}", "purchase", customer, "s-walk", product, "12.34", quantity=2)
    load_events(tmp_path / "bought.ndjson", (bought,))
    run_verb("stream", "--once")
    run_verb("down", "stream-exposures")  # it writes to HDFS what it has read
    run_verb("recommend", "results", "--day", f"{bought_at:%Y-%m-%d}")

    columns = "experiment, arm, served, seen, clicked, customers, lines, revenue"
    expected = [("walk", listed["arm"], 1, 1, 1, 1, 1, Decimal("24.68"))]
    assert read_rows(published, f"SELECT {columns} FROM recommend.result_day") == expected
    arms = read_rows(published, "SELECT customers, clicked, buyers, revenue FROM recommend.result_arm WHERE customers > 0")
    assert [tuple(map(float, arm)) for arm in arms] == [(1, 1, 1, 24.68)]
    page.goto("/recommendations/")
    expect(page.locator("main")).to_contain_text(money_short(Decimal("24.68")))
    page.goto("/recommendations/experiments/walk")
    expect(page.locator("main")).to_contain_text(listed["arm"])


def start_experiment() -> None:
    now = "timezone.now()"
    code = f"""
from datetime import timedelta
from django.utils import timezone
from cdp_web.recommend.models import Arm, Experiment
experiment = Experiment.objects.create(key="walk", name="Walk", place="home", starts_at={now} - timedelta(days=1),
    ends_at={now} + timedelta(days=20), is_active=True, planned_effect=20)
for position, (name, serves) in enumerate((("control", "champion"), ("other", "champion"))):
    Arm.objects.create(experiment=experiment, name=name, serves=serves, share=5000, position=position)
"""
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", code], env=os.environ | {"CDP_STACK": STACK}, check=True, cwd=REPOSITORY
    )


def wait_for_rows(settings: Settings, sql: str) -> None:
    deadline = time.monotonic() + 30
    while not read_rows(settings, sql):
        assert time.monotonic() < deadline, f"no rows: {sql}"
        time.sleep(0.5)
