"""How a run of the stream ends after a request to stop or a failure. On servers: test_way_out.py."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pyspark.errors import PySparkException

from cdp.settings import load
from streaming import __main__ as program
from streaming import runner as module
from streaming.batches import StopRequested
from streaming.events.query import EVENTS_QUERY
from streaming.lock import LedgerUnavailable
from streaming.resume import CannotResume
from streaming.runner import StreamFailed, StreamRunner
from streaming.topic import TopicUnavailable


class BusyQuery:
    """A query whose batch is busy for a while; it ends when it is stopped."""

    def __init__(self, stop: threading.Event, busy: int) -> None:
        self.stop_event = stop
        self.busy = busy
        self.stopped_while_busy: bool | None = None

    @property
    def status(self) -> dict[str, bool]:
        self.busy -= 1
        return {"isTriggerActive": self.busy >= 0}

    def awaitTermination(self, seconds: float) -> bool:
        self.stop_event.set()
        return self.stopped_while_busy is not None

    def stop(self) -> None:
        self.stopped_while_busy = self.busy >= 0


class Nothing:
    """Replaces what these tests don't reach: any attribute, any call."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> StreamRunner:
    for name in ("read_topics", "Checkpoint", "ensure_tables"):
        monkeypatch.setattr(module, name, Nothing())
    monkeypatch.setattr(StreamRunner, "_require_resumable", lambda *_: None)
    nothing: Any = Nothing()
    return StreamRunner(nothing, load({}), EVENTS_QUERY, nothing, threading.Event(), lambda _: None)


def test_running_batch_ends_before_the_query_is_stopped(runner: StreamRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    query = BusyQuery(runner.stop, busy=3)
    monkeypatch.setattr(module, "start_query", lambda *_: query)
    assert runner.run(once=False, from_earliest=False).received == 0
    assert query.stopped_while_busy is False


def fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler remembers the error, and Spark raises its own."""

    def start(spark: Any, settings: Any, query: Any, handler: Any, once: bool) -> None:
        handler.error = error
        raise PySparkException("a page of Java")

    monkeypatch.setattr(module, "start_query", start)


def test_failure_is_raised_with_its_best_explanation(runner: StreamRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(LedgerUnavailable("Postgres is away"), monkeypatch)
    with pytest.raises(LedgerUnavailable, match=r"^Postgres is away$"):
        runner.run(once=True, from_earliest=False)
    fail_with(CannotResume("Postgres is older"), monkeypatch)
    with pytest.raises(CannotResume, match=r"^Postgres is older$"):
        runner.run(once=True, from_earliest=False)
    fail_with(ValueError("broken"), monkeypatch)
    with pytest.raises(StreamFailed, match=r"^broken; "):
        runner.run(once=True, from_earliest=False)
    # The check made before a start may fail during the run.
    results = iter([None, CannotResume("messages left Kafka")])

    def check(*_: Any) -> None:
        if error := next(results):
            raise error

    monkeypatch.setattr(StreamRunner, "_require_resumable", check)
    with pytest.raises(CannotResume, match="messages left Kafka"):
        runner.run(once=True, from_earliest=False)


def test_a_failure_caused_by_a_stop_is_no_failure(runner: StreamRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    runner.stop.set()
    fail_with(StopRequested(), monkeypatch)
    assert runner.run(once=False, from_earliest=False).received == 0


@pytest.mark.parametrize(("error", "status"), [(TopicUnavailable("no topic"), 1), (CannotResume("messages left"), 3)])
def test_exit_status_says_whether_a_retry_may_help(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(program, "run", run)
    assert program.main(["--once"]) == status
    assert capsys.readouterr().err == f"stream: {error}\n"
    with pytest.raises(type(error)):
        program.main(["--once", "--debug"])
