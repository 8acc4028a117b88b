"""Some services are stopped while the others keep running."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator

import pytest
import redis

from cdp.settings import load
from infra.stack import lifecycle, processes, supervise
from infra.stack.services import with_dependents
from infra.stack.stack import Stack
from infra.stack.supervise import Supervisor
from tests.faults.command import run, state_of

STACK = "faults"


@pytest.fixture
def stack() -> Iterator[Stack]:
    yield Stack(load({"CDP_STACK": STACK}))
    run("down", stack=STACK)
    shutil.rmtree(state_of(STACK), ignore_errors=True)


@pytest.mark.subprocess
def test_a_service_restarts_with_a_new_setting_while_another_keeps_running(stack: Stack) -> None:
    assert run("up", "postgres", "redis", stack=STACK).code == 0
    postgres = Supervisor(stack).state("postgres").pid
    assert run("down", "redis", stack=STACK).out == "stack faults: stopped Redis\n"
    assert Supervisor(stack).state("redis").pid == 0
    assert run("down", "redis", stack=STACK).out == "stack faults: stopped nothing, none of them was running\n"
    assert run("up", "redis", stack=STACK, env={"CDP_REDIS_MAXMEMORY": "7m"}).code == 0
    memory = redis.Redis.from_url(load({"CDP_STACK": STACK}).redis_url).config_get("maxmemory")
    assert memory == {"maxmemory": str(7 * 2**20)}
    assert Supervisor(stack).state("postgres").pid == postgres


@pytest.mark.subprocess
def test_a_supervisor_that_hangs_is_ended_with_all_that_it_started(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("up", "redis", stack=STACK).code == 0
    os.kill(int((stack.run_dir / "supervisord.pid").read_text()), signal.SIGSTOP)
    monkeypatch.setattr(supervise, "ANSWER_SECONDS", 1)
    assert not Supervisor(stack).running()
    lifecycle.down(stack)
    assert processes.find_processes(stack) == []


def test_services_that_need_a_stopped_one_are_stopped_too() -> None:
    assert [service.name for service in with_dependents(("kafka",))] == [
        "kafka", "stream", "connect", "stream-shop", "stream-live", "shop-visitors", "recommend", "stream-exposures",
    ]  # fmt: skip
    assert [service.name for service in with_dependents(("hdfs",))] == [
        "namenode", "secondarynamenode", "datanode1", "datanode2", "spark-history", "stream", "stream-shop", "stream-live",
        "stream-exposures",
    ]  # fmt: skip
    assert {"web", "celery-worker", "celery-beat", "airflow-api"} < {service.name for service in with_dependents(("postgres",))}
    assert [service.name for service in with_dependents(("web", "stream"))] == ["web", "stream"]


@pytest.mark.subprocess
def test_a_misspelt_service_stops_nothing() -> None:
    assert run("down", "kafak", stack=STACK).err == "run: 'kafak' is not a service; did you mean 'kafka'?\n"
