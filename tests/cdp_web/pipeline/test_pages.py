"""The pipeline page from readings that a test makes, and who sees rejected messages."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from cdp.mart.daily import STREAM_BATCH, STREAM_LEDGER
from cdp_web.pipeline import ledger_read, probes, quarantine_views, schedule, stream_read
from cdp_web.pipeline.ledger_read import LedgerFigures
from cdp_web.pipeline.models import Reading
from cdp_web.pipeline.probes import Finding, carry_since
from cdp_web.pipeline.quarantine import QuarantineTable, RejectedMessage, RejectionGroup
from cdp_web.pipeline.stream_read import stream_hours_get
from tests.cdp_web import factories
from tests.cdp_web.factories import DAY

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

FIGURES = LedgerFigures(
    received=7_777, good=7_770, quarantined=7, event_rows=7_770, quarantine_rows=7, newest_event=f"{DAY}T23:00:00+00:00",
    published_rows=7_770, published_events=7_765, snapshot_events=7_765, snapshot_customers=3, profiles=3,
)  # fmt: skip
MESSAGE = RejectedMessage(
    "bad_type", "event_type", "'<i>' is none", datetime(2019, 11, 30, 9, tzinfo=UTC), "events.raw", 2, 41,
    b'{"user_id": "<script>secret"}', None, None,
)  # fmt: skip


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the readers find; a test changes it."""
    finds: dict[str, Any] = {
        "servers": {server.key: Finding("healthy", "%(count)s collections", {"count": 4_321}) for server in probes.SERVERS},
        "ledger": asdict(FIGURES),
        "schedule": {"is_paused": True, "next_at": None},
        "stream": {},
    }
    monkeypatch.setattr(
        probes, "servers_read", lambda _, before: carry_since(before, finds["servers"], "2019-12-01T00:00:00+00:00")
    )
    monkeypatch.setattr(ledger_read, "ledger_read", lambda _: finds["ledger"])
    monkeypatch.setattr(schedule, "schedule_read", lambda: finds["schedule"])
    monkeypatch.setattr(stream_read, "stream_read", lambda _: finds["stream"])
    return finds


def read(site: Client, page: str) -> str:
    answer = site.get(page)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def add_batch(batch: int, hour: datetime, good: int, quarantined: int) -> None:
    row = {
        "stream": "s", "batch": batch, "topic": "events.raw", "hour": hour, "received": good + quarantined, "good": good,
        "quarantined": quarantined, "reasons": "{}", "late": "{}", "partitions": "{}",
    }  # fmt: skip
    factories._insert(STREAM_LEDGER.full_name, row)
    last = {
        "stream": "s", "batch": batch, "topic": "events.raw", "topic_id": "t", "received": good + quarantined, "written_at": hour,
        "offsets": '{"0": {"from": 0, "until": 10, "count": 10}}', "milliseconds": 500,
    }  # fmt: skip
    factories._insert(STREAM_BATCH.full_name, last)


def test_before_anything_was_read_the_page_opens(site: Client) -> None:
    page = read(site, "/pipeline/")
    assert 'data-state="none"' in page
    assert page.count('class="server server-unknown"') == len(probes.SERVERS)


def test_the_page_shows_servers_sums_and_lateness(site: Client, publish: Any, readers: dict[str, Any]) -> None:
    publish([])
    factories.night_run(1)
    live = read(site, "/pipeline/live")
    assert live.count('class="server server-healthy"') == len(probes.SERVERS)
    assert "4,321 collections" in live
    assert 'data-state="quiet"' in live
    assert "All sums agree" in live
    assert '<a href="/pipeline/quarantine">7</a>' in live
    page = read(site, "/pipeline/")
    assert "7,770" in page
    assert 'class="freshness freshness-quiet"' in page
    readers["servers"]["hdfs"] = Finding("unhealthy", "no answer: %(reason)s", {"reason": "refused"}, "./run up namenode")
    readers["ledger"] = asdict(FIGURES) | {"event_rows": 7_769}
    Reading.objects.update(claimed_at=timezone.now() - timedelta(minutes=2))
    live = read(site, "/pipeline/live")
    assert "No answer: refused" in live
    assert "./run up namenode" in live
    # With HDFS down the sums stay as they were, with the reason.
    assert Reading.objects.get(key="ledger").value["event_rows"] == 7_770
    readers["servers"]["hdfs"] = Finding("healthy", "back")
    Reading.objects.update(claimed_at=timezone.now() - timedelta(minutes=2))
    live = read(site, "/pipeline/live")
    assert "A sum is off" in live
    assert "./run ledger" in live


def test_many_viewers_read_once_and_the_page_reads_little(
    site: Client, publish: Any, readers: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    publish([])
    read(site, "/pipeline/live")
    times = set(Reading.objects.values_list("claimed_at", flat=True))
    read(site, "/pipeline/live")
    assert set(Reading.objects.values_list("claimed_at", flat=True)) == times
    with django_assert_max_num_queries(25):
        read(site, "/pipeline/")


def test_hours_of_the_stream_are_the_sums_of_its_batches(site: Client) -> None:
    factories.mart()
    hour = datetime(2019, 12, 1, 8, tzinfo=UTC)
    for batch, (back, good, quarantined) in enumerate([(2, 10, 1), (0, 20, 2), (0, 5, 0)]):
        add_batch(batch, hour - timedelta(hours=back), good, quarantined)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT sum(good), sum(quarantined) FROM {STREAM_LEDGER.full_name}")
        sums = cursor.fetchone()
    hours = stream_hours_get()
    assert [(each.good, each.quarantined) for each in hours[-3:]] == [(10, 1), (0, 0), (25, 2)]
    assert (sum(each.good for each in hours), sum(each.quarantined for each in hours)) == sums
    csv = site.get("/pipeline/?csv=stream").content.decode().splitlines()
    assert csv[-1].endswith(",27,25,2")


@pytest.fixture
def rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    table: Any = QuarantineTable(None, {DAY: 7, date(2019, 11, 1): 2})  # type: ignore[arg-type]
    monkeypatch.setattr(quarantine_views, "quarantine_open", lambda: table)
    monkeypatch.setattr(quarantine_views, "groups_get", lambda *_: [RejectionGroup("bad_type", "event_type", 7, 6)])
    monkeypatch.setattr(quarantine_views, "messages_get", lambda *_: [MESSAGE])


def test_analysts_read_messages_and_viewers_only_counts(site: Client, rejected: None) -> None:
    page = read(site, "/pipeline/quarantine")
    assert "&lt;script&gt;secret" in page
    assert "&#x27;&lt;i&gt;&#x27; is none" in page
    assert "2 : 41" in page
    viewer = Client()
    viewer.force_login(User.objects.create_user("vera"))
    page = read(viewer, "/pipeline/quarantine")
    assert '<td class="number">7</td><td class="number">6</td>' in page
    for word in ("secret", "is none", "2 : 41"):
        assert word not in page


@pytest.mark.parametrize(
    "query", ["first=2019-11-31", "first=2019-10-01&last=2019-11-30", "reason=worse", "field=weight", "state=lost", "after=1_2"]
)
def test_wrong_filters_are_refused(site: Client, rejected: None, query: str) -> None:
    assert site.get(f"/pipeline/quarantine?{query}").status_code == 400


def test_an_empty_quarantine_says_so(site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine_views, "quarantine_open", lambda: None)
    assert "No message was ever rejected" in read(site, "/pipeline/quarantine")
