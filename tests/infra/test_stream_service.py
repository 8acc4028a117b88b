"""The stream as a service that is started only by name, and what ./run status says of it."""

from __future__ import annotations

import configparser
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import pytest

from infra.stack import status, stream_progress
from infra.stack.lifecycle import levels
from infra.stack.service import Unhealthy
from infra.stack.services import BY_NAME, SERVICES, with_needs
from infra.stack.services import stream as service
from infra.stack.stack import Stack, open_stack
from infra.stack.stream_progress import Progress, StreamState, waiting
from infra.stack.supervise import ProcessState, Supervisor

PROGRESS = Progress("events.raw", 12, 1_500, 3_000, datetime(2019, 10, 1, tzinfo=UTC), 20, 7)


def test_it_is_started_by_name_alone_and_stopped_before_what_it_needs() -> None:
    assert service.STREAM not in SERVICES
    needed = {one.name for one in with_needs(("stream",))}
    assert needed == {"stream", *service.STREAM.needs}
    assert {"kafka", "datanode1", "spark-worker", "postgres"} < needed
    depth = {one.name: number for number, level in enumerate(levels()) for one in level}
    assert all(depth["stream"] > depth[name] for name in service.STREAM.needs)


def test_a_line_that_needs_a_person_is_not_repeated(tmp_path: Path) -> None:
    given = open_stack()
    stack = Stack(replace(given.settings, var_dir=tmp_path))
    for folder in (stack.run_dir, stack.log_dir):
        folder.mkdir(parents=True)
    Supervisor(stack).configure()
    written = configparser.RawConfigParser()
    written.read(stack.run_dir / "supervisord.conf")
    assert dict(written["program:stream"]).items() >= {"autorestart": "unexpected", "exitcodes": "3"}.items()
    assert written["program:kafka"]["autorestart"] == "true"
    ended = ProcessState("EXITED", 0, 0, "")
    assert status._judge(stack, BY_NAME["stream"], ended)[0] == "gave up"
    assert status._judge(stack, BY_NAME["kafka"], ended)[0] == "restarting"


def test_status_shows_it_when_it_was_started_or_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = open_stack()
    known = {"stream": ProcessState("STOPPED", 0, 0, "")}
    monkeypatch.setattr(Supervisor, "states", lambda _: known)
    assert status.chosen(stack, ()) == SERVICES
    assert status.chosen(stack, ("stream",)) == (service.STREAM,)
    known["stream"] = ProcessState("FATAL", 0, 0, "")
    assert status.chosen(stack, ()) == (*SERVICES, service.STREAM)


def test_what_is_said_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "batch 12, 20 s ago: 1,500 messages in 3.0 s, 500 a second; 7 offsets of events.raw wait in Kafka"
    assert str(StreamState(True, PROGRESS)) == f"running; {said}"
    assert str(StreamState()) == "not running; no batch yet"
    told = StreamState(True, PROGRESS).as_json()
    assert (told["runs"], told["progress"]["rate"], told["progress"]["waiting"]) == (True, 500, 7)
    # What was deleted, or is behind, waits no longer; a partition that is new waits from its beginning.
    assert waiting({0: 10, 1: 3, 2: 9}, {0: (0, 12), 1: (5, 9), 2: (0, 9), 3: (2, 4)}) == 2 + 4 + 0 + 2

    monkeypatch.setattr(service, "stream_state", lambda _: StreamState(True, PROGRESS))
    assert service.STREAM.probe(open_stack().settings) == "batch 12 was its last"
    for state in (StreamState(False, PROGRESS), StreamState(unknown="refused")):
        monkeypatch.setattr(service, "stream_state", lambda _, state=state: state)
        with pytest.raises(Unhealthy):
            service.STREAM.probe(open_stack().settings)


def test_servers_that_are_away_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "stream_state", lambda _: pytest.fail("asked"))
    assert status.stream(open_stack(), []) is None


def test_postgres_that_is_away_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise psycopg2.OperationalError("connection refused\nIs the server running?")

    monkeypatch.setattr(psycopg2, "connect", refused)
    assert str(stream_progress.stream_state(open_stack().settings)) == "its ledger can't be read: connection refused"
