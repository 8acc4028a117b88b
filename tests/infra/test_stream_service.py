"""The stream as a service that is started only by name, and what ./run status shows of it."""

from __future__ import annotations

import configparser
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg2
import pytest

from infra.stack import status, stream_progress
from infra.stack.lifecycle import order_levels
from infra.stack.processes import measure_executors
from infra.stack.service import Unhealthy
from infra.stack.services import BY_NAME, SERVICES, with_needs
from infra.stack.services import stream as service
from infra.stack.stack import Stack, open_stack
from infra.stack.stream_progress import StreamProgress, StreamState
from infra.stack.supervise import ProcessState, Supervisor

PROGRESS = StreamProgress("events.raw", 12, 1_500, 3_000, datetime(2019, 10, 1, tzinfo=UTC), 20, 7)


def test_it_is_started_only_by_name_and_stopped_before_what_it_needs() -> None:
    assert service.STREAM not in SERVICES
    needed = {needed.name for needed in with_needs(("stream",))}
    assert needed == {"stream", *service.STREAM.needs}
    assert {"kafka", "datanode1", "spark-worker", "postgres"} < needed
    depth = {member.name: number for number, level in enumerate(order_levels()) for member in level}
    assert all(depth["stream"] > depth[name] for name in service.STREAM.needs)


def test_a_stream_that_needs_an_operator_is_not_restarted(tmp_path: Path) -> None:
    stack = Stack(replace(open_stack().settings, var_dir=tmp_path))
    for folder in (stack.run_dir, stack.log_dir):
        folder.mkdir(parents=True)
    Supervisor(stack).configure()
    config = configparser.RawConfigParser()
    config.read(stack.run_dir / "supervisord.conf")
    assert dict(config["program:stream"]).items() >= {"autorestart": "unexpected", "exitcodes": "3"}.items()
    assert config["program:kafka"]["autorestart"] == "true"
    ended = ProcessState("EXITED", 0, 0, "")
    assert status._judge(stack, BY_NAME["stream"], ended)[0] == "gave up"
    assert status._judge(stack, BY_NAME["kafka"], ended)[0] == "restarting"


def test_status_shows_it_when_it_was_started_or_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = open_stack()
    states = {"stream": ProcessState("STOPPED", 0, 0, "")}
    monkeypatch.setattr(Supervisor, "states", lambda _: states)
    assert status.chosen(stack, ()) == SERVICES
    assert status.chosen(stack, ("stream",)) == (service.STREAM,)
    states["stream"] = ProcessState("FATAL", 0, 0, "")
    assert status.chosen(stack, ()) == (*SERVICES, service.STREAM)


def test_its_state_as_text_and_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "batch 12, 20 s ago: 1,500 messages in 3.0 s, 500 a second; 7 offsets of events.raw wait in Kafka"
    assert str(StreamState(True, PROGRESS)) == f"running; {text}"
    assert str(StreamState()) == "not running; no batch yet"
    as_json = StreamState(True, PROGRESS).as_json()
    assert (as_json["runs"], as_json["progress"]["rate"], as_json["progress"]["waiting"]) == (True, 500, 7)

    monkeypatch.setattr(service, "stream_state", lambda _: StreamState(True, PROGRESS))
    applications = [{"id": "app-1", "name": "cdp night"}, {"id": "app-2", "name": "cdp stream"}]
    monkeypatch.setattr(service, "get_json", lambda *_: {"activeapps": applications})
    memory = {"app-1": (1, 1), "app-2": (500 * 2**20, 300 * 2**20)}
    monkeypatch.setattr(service, "measure_executors", memory.__getitem__)
    assert service.STREAM.probe(open_stack().settings) == "last batch 12; executor 500 MB, Python workers 300 MB"
    memory["app-2"] = (0, 0)  # on another machine
    assert service.STREAM.probe(open_stack().settings) == "last batch 12"
    for state in (StreamState(False, PROGRESS), StreamState(unknown="refused")):
        monkeypatch.setattr(service, "stream_state", lambda _, state=state: state)
        with pytest.raises(Unhealthy):
            service.STREAM.probe(open_stack().settings)


def test_servers_that_are_not_healthy_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "stream_state", lambda _: pytest.fail("the stream's servers were queried"))
    assert status.stream(open_stack(), []) is None


def test_unreachable_postgres_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise psycopg2.OperationalError("connection refused\nIs the server running?")

    monkeypatch.setattr(psycopg2, "connect", refuse)
    assert stream_progress.stream_state(open_stack().settings).unknown == "its ledger can't be read: connection refused"


@pytest.mark.subprocess
def test_memory_of_an_application_is_that_of_its_executors_and_of_their_children() -> None:
    script = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"])
child.wait()
"""
    with subprocess.Popen([sys.executable, "-c", script, "--app-id", "app-of-a-test"], stdout=subprocess.PIPE) as executor:
        assert executor.stdout is not None
        executor.stdout.readline()
        jvm, python = measure_executors("app-of-a-test")
        end_tree(executor.pid)
    assert min(jvm, python) > 2**20
    assert measure_executors("app-of-a-test") == (0, 0)


def end_tree(pid: int) -> None:
    root = psutil.Process(pid)
    for process in [*root.children(), root]:
        process.kill()
