"""Two real Celery workers compute runs of segments and are killed at random moments. In the end every segment has the members
that the interpreter finds, no run is stuck, and no customer is in a segment twice at a time."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from deltalake import write_deltalake
from django.db import connection
from redis import Redis

from cdp.lake.paths import CUSTOMERS, INTERACTIONS
from cdp.rules import Facts, decode, matches
from cdp.settings import REPOSITORY, current
from cdp_web.celery import app
from cdp_web.segments.members import members_at
from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.runs import segment_run_request, segment_runs_sweep
from cdp_web.segments.services import segment_create, segment_update
from tests.cdp_web import factories
from tests.cdp_web.factories import is_, rule
from tests.cdp_web.fixtures import django_db_modify_db_settings, set_missing_settings

__all__ = ["django_db_modify_db_settings", "set_missing_settings"]

pytestmark = [pytest.mark.stack("postgres", "redis"), pytest.mark.django_db(transaction=True)]

CUSTOMERS_COUNT = 3_000
SEGMENTS = 20
LEASE_SECONDS = 3
PATIENCE_SECONDS = 120


@pytest.fixture
def lake(tmp_path: Path) -> dict[int, list[dict[str, Any]]]:
    """Two publications as Delta tables on the local disk: the second one has other customers."""
    people = {1: factories.shop(CUSTOMERS_COUNT, seed=1), 2: factories.shop(CUSTOMERS_COUNT, seed=2)}
    for version in (0, 1, 2):  # a publication is its own version
        rows = people[max(1, version)]
        write_deltalake(str(tmp_path / "cdp" / CUSTOMERS), factories.arrow(rows), mode="overwrite")
        nothing = factories.interactions_arrow([factories.interaction(rows[0]["customer_id"])])
        write_deltalake(str(tmp_path / "cdp" / INTERACTIONS), nothing, mode="overwrite")
    return people


class Workers:
    """Two worker processes on the test's database and broker. A worker that was killed is started again."""

    def __init__(self, folder: Path) -> None:
        settings = current()
        self._folder = folder
        self._environment = os.environ | {
            "CDP_STACK": settings.stack,
            "CDP_VAR_DIR": str(folder),
            "CDP_HDFS_URL": f"file:{folder}",
            "CDP_HDFS_ROOT": "/cdp",
            "CDP_POSTGRES_DATABASE": str(connection.settings_dict["NAME"]),
            "CDP_POSTGRES_PASSWORD": settings.postgres_password,
            "CDP_REDIS_URL": settings.redis_url,
            "CDP_DJANGO_SECRET_KEY": "for tests",
            "CDP_SEGMENT_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        self._processes = [self._start(number) for number in (1, 2)]
        self.killed = 0

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "cdp_web.celery:app", "worker", "--pool", "solo"]
        command += ["--hostname", f"chaos{number}@test", "--loglevel", "warning"]
        log = (self._folder / f"worker-{number}.log").open("ab")
        return subprocess.Popen(command, cwd=REPOSITORY, env=self._environment, stdout=log, stderr=log)

    def kill_one(self, number: int) -> None:
        self._processes[number].send_signal(signal.SIGKILL)
        self._processes[number].wait()
        self._processes[number] = self._start(number + 1)
        self.killed += 1

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def workers(tmp_path: Path, lake: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    Redis.from_url(current().redis_url).flushdb()
    # The site's own app has read its settings before this stack had a password.
    monkeypatch.setattr(app, "send_task", Celery(broker=current().redis_url).send_task)
    running = Workers(tmp_path)
    yield running
    running.end()
    with connection.cursor() as cursor:  # Django does not clear what it did not create
        cursor.execute("DROP SCHEMA mart CASCADE")


def make_rule(number: int, version: int) -> dict[str, Any]:
    return rule(is_("views", "ge", 10 * number + version), is_("sessions", "le", 39), join="all" if number % 2 else "any")


@pytest.mark.parametrize("seconds", [5, pytest.param(300, marks=pytest.mark.slow)])
def test_killed_workers_leave_right_members(lake: dict[int, list[dict[str, Any]]], workers: Workers, seconds: int) -> None:
    factories.mart()
    factories.publication(1)
    segments = [segment_create(name=f"Segment {number}", rule=make_rule(number, 0)) for number in range(SEGMENTS)]
    factories.publication(2)
    dice, ends = random.Random(7), time.monotonic() + seconds
    while time.monotonic() < ends or workers.killed < 3:
        change_one(dice, segments)
        segment_runs_sweep()
        if dice.random() < 0.3:
            workers.kill_one(dice.randrange(2))
        time.sleep(dice.uniform(0.1, 2 * seconds / 200))
    for segment in Segment.objects.all():
        segment_run_request(segment=segment)
    wait_until_idle()
    assert workers.killed >= 3
    for segment in Segment.objects.select_related("current_run"):
        check_members(segment, lake[2])
    assert count_overlaps() == 0


def change_one(dice: random.Random, segments: list[Segment]) -> None:
    number = dice.randrange(SEGMENTS)
    segment = Segment.objects.get(pk=segments[number].pk)
    if dice.random() < 0.5:
        segment_run_request(segment=segment)
    else:
        document = make_rule(number, segment.version)
        segment_update(segment_id=segment.pk, expected_version=segment.version, name=segment.name, rule=document)


def wait_until_idle() -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while SegmentRun.objects.filter(status__in=("queued", "running")).exists():
        assert time.monotonic() < deadline
        segment_runs_sweep()
        time.sleep(0.3)


def check_members(segment: Segment, people: list[dict[str, Any]]) -> None:
    run = segment.current_run
    assert run is not None
    assert (run.publication_id, run.version.number) == (2, segment.version)
    parsed = decode(segment.rule)
    expected = sorted(row["customer_id"] for row in people if matches(parsed, Facts(run.day, row)))
    assert list(members_at(run).values_list("customer_id", flat=True)) == expected
    assert run.count == len(expected)


def count_overlaps() -> int:
    """Stays of one customer in one segment that begin before the stay before has ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT entered_run, lag(coalesce(left_run, 9223372036854775807)) OVER"
            " (PARTITION BY segment_id, customer_id ORDER BY entered_run) AS before FROM segments_membership) stays"
            " WHERE before > entered_run"
        )
        return int(cursor.fetchone()[0])
