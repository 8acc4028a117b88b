"""After kill -9 during a night, readers see the old publication whole, and the next night gives what an undisturbed one gives.

The killed night is a process with a Spark of its own, on real HDFS, Postgres and MongoDB.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from deltalake import DeltaTable

from cdp.lake.paths import COMPACTIONS, CUSTOMER_DAY, CUSTOMERS, EVENTS, INTERACTIONS, table_url
from cdp.mart.nights import HOLDERS, SELECT_RUNS, STEPS, NightRun, run_from_row
from cdp.postgres import connection_arguments
from cdp.settings import REPOSITORY, Settings
from tests.batch.first_night import FirstNight
from tests.batch.shop import D2, Shop, on
from tests.conftest import TestStack
from tests.jvm import SMALL_DATA

pytestmark = [pytest.mark.stack("hdfs", "postgres", "mongo"), pytest.mark.spark]

LAST_PUBLICATION = "SELECT max(id) FROM mart.publication"
#: Into the step, as far as such small ones have a middle.
A_MOMENT = 0.15
LOCK_GONE_WITHIN = 10
COLUMNS = {EVENTS: ["event_id", "user_id", "event_time", "revenue"]}


@contextmanager
def copy_on_hdfs(first_night: FirstNight) -> Iterator[Shop]:
    """A shop with a folder of its own on HDFS, published at its second day."""
    with first_night.copy(hdfs_root=f"/killed-{uuid4().hex}") as shop:
        hdfs(shop.settings, "PUT", "/_spark-events", "MKDIRS")
        yield shop
        hdfs(shop.settings, "DELETE", "", "DELETE&recursive=true")


def hdfs(settings: Settings, method: str, path: str, operation: str) -> None:
    url = f"{settings.hdfs_http}/webhdfs/v1{settings.hdfs_root}{path}?op={operation}&user.name=cdp"
    urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10).close()


@pytest.fixture(scope="module")
def disturbed(test_stack: TestStack, first_night: FirstNight) -> Iterator[Shop]:
    test_stack.require(("hdfs", "postgres", "mongo"))
    with copy_on_hdfs(first_night) as shop:
        yield shop


@pytest.fixture(scope="module")
def undisturbed(disturbed: Shop, first_night: FirstNight) -> Iterator[Shop]:
    with copy_on_hdfs(first_night) as shop:
        yield shop


def stores(shop: Shop) -> dict[str, Any]:
    """All that a night leaves, wherever it lies; each as a bag of rows."""
    ((version,),) = shop.rows("SELECT customers_version FROM mart.publication ORDER BY id DESC LIMIT 1")
    found = {name: rows(shop, name) for name in (EVENTS, CUSTOMER_DAY, INTERACTIONS)}
    found[CUSTOMERS] = rows(shop, CUSTOMERS, version)
    dropped = DeltaTable(table_url(shop.settings, COMPACTIONS)).to_pyarrow_table().to_pylist()
    return shop.numbers() | found | {COMPACTIONS: sum(row["dropped"] for row in dropped)}


def rows(shop: Shop, name: str, version: int | None = None) -> list[str]:
    table = DeltaTable(table_url(shop.settings, name), version=version).to_pyarrow_table(columns=COLUMNS.get(name))
    return sorted(map(repr, table.to_pylist()))


def last_run(shop: Shop) -> NightRun:
    return run_from_row(shop.rows(f"{SELECT_RUNS} ORDER BY id DESC LIMIT 1")[0])


@contextmanager
def process_of(shop: Shop, day: date) -> Iterator[subprocess.Popen[str]]:
    settings = shop.settings
    environment = os.environ | {
        "CDP_HDFS_ROOT": settings.hdfs_root, "CDP_POSTGRES_DATABASE": settings.postgres_database,
        "CDP_MONGO_DATABASE": settings.mongo_database, "CDP_SPARK_MASTER_URL": "local[2]",
        "CDP_SPARK_JAVA_OPTIONS": SMALL_DATA, "PYTHONPATH": str(REPOSITORY),
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "batch", "--day", str(day)],
        env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):  # it has ended by itself, which is the test's to say
                os.killpg(process.pid, signal.SIGKILL)


def await_step(process: subprocess.Popen[str], cursor: Any, step: str, after: int) -> None:
    """The night's record says that the step has begun. The lock on it keeps the night from the next one, however quick it is."""
    assert process.stderr
    wanted = "state = 'published'" if step == "compaction" else f"step = '{step}' FOR UPDATE"
    while process.poll() is None:
        cursor.execute(f"SELECT id FROM mart.night_run WHERE id > {after} AND {wanted}")
        if cursor.fetchone():
            return
        time.sleep(0.01)
    pytest.fail(f"it ended before {step}: {process.stderr.read()}")


def await_wait(shop: Shop) -> None:
    """The night waits for a reader before it swaps the partitions: it is in the middle of its last transaction."""
    waits = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT granted AND datname ="
    while shop.rows(f"{waits} current_database()") == [(0,)]:
        time.sleep(0.05)


def killed_in(step: str, shop: Shop, day: date) -> None:
    before = last_run(shop).id
    watcher = psycopg2.connect(**connection_arguments(shop.settings, "a watcher"))
    watcher.autocommit = step in ("publication", "compaction")
    reader = psycopg2.connect(**connection_arguments(shop.settings, "a reader"))
    try:
        with process_of(shop, day) as night, watcher.cursor() as cursor:
            if step == "publication":
                reader.cursor().execute("SELECT count(*) FROM mart.customer_day")
            await_step(night, cursor, step, before)
            if step == "publication":
                await_wait(shop)
            else:
                time.sleep(A_MOMENT)
            assert night.poll() is None, f"it ended before it could be killed in {step}"
    finally:
        reader.close()
        watcher.close()
    deadline = time.monotonic() + LOCK_GONE_WITHIN
    while shop.rows(HOLDERS):
        assert time.monotonic() < deadline, "the lock of the killed night stays"
        time.sleep(0.05)


def receive_news(step: str, *shops: Shop) -> None:
    """A new customer, a changed profile, a copy of an event, and a customer whose first day moves."""
    for shop in shops:
        shop.receive(on(2, f"new in {step}"), on(1, "bob", event_type="purchase"), on(2, event_id="1-1"), on(1, f"late {step}"))


def kill_before_publication(step: str, shop: Shop) -> None:
    before = shop.seen()
    killed_in(step, shop, D2)
    assert shop.seen() == before
    assert (last_run(shop).state, last_run(shop).step) == ("cut off", step)


def kill_in_compaction(shop: Shop, undisturbed: Shop) -> None:
    ((published,),) = shop.rows(LAST_PUBLICATION)
    killed_in("compaction", shop, D2)
    assert last_run(shop).state == "published"
    assert shop.rows(LAST_PUBLICATION) == [(published + 1,)]
    assert shop.numbers() == undisturbed.numbers()


class TestNightsKilledInARow:
    """One shop, with no whole night in between: writes to HDFS and MongoDB are cut off, then the last transaction."""

    @pytest.mark.parametrize("step", ["profiles", "publication"])
    def test_readers_see_the_old_publication(self, step: str, disturbed: Shop, undisturbed: Shop) -> None:
        receive_news(step, disturbed, undisturbed)
        kill_before_publication(step, disturbed)

    def test_next_night_gives_what_an_undisturbed_one_gives(self, disturbed: Shop, undisturbed: Shop) -> None:
        for shop in (disturbed, undisturbed):
            shop.night(D2)
            shop.run_maintenance(D2)
        assert stores(disturbed) == stores(undisturbed)
        assert last_run(disturbed).state == "published"


@pytest.mark.slow
@pytest.mark.parametrize("step", [*STEPS, "compaction"])
def test_night_after_one_that_was_killed_in_any_step_gives_what_an_undisturbed_one_gives(
    step: str, disturbed: Shop, undisturbed: Shop
) -> None:
    receive_news(step, disturbed, undisturbed)
    undisturbed.night(D2)
    undisturbed.run_maintenance(D2)
    if step == "compaction":
        kill_in_compaction(disturbed, undisturbed)
    else:
        kill_before_publication(step, disturbed)
    disturbed.night(D2)
    disturbed.run_maintenance(D2)
    assert stores(disturbed) == stores(undisturbed)
    assert last_run(disturbed).state == ("needless" if step == "compaction" else "published")
