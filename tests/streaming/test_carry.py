"""How a run of the stream ends when it is asked to, and what is said when it fails; for real: test_way_out.py."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pyspark.errors import PySparkException

from cdp.settings import load
from streaming import __main__ as program
from streaming import carry
from streaming.book import LedgerAway
from streaming.carry import Carrier, StreamFailed
from streaming.sink import StopAsked
from streaming.standing import Stuck
from streaming.topic import TopicAway


class Query:
    """A query with a batch at work for a while; it ends when it is stopped."""

    def __init__(self, stop: threading.Event, busy: int) -> None:
        self.stop_asked = stop
        self.busy = busy
        self.stopped_while_busy: bool | None = None

    @property
    def status(self) -> dict[str, bool]:
        self.busy -= 1
        return {"isTriggerActive": self.busy >= 0}

    def awaitTermination(self, seconds: float) -> bool:
        self.stop_asked.set()
        return self.stopped_while_busy is not None

    def stop(self) -> None:
        self.stopped_while_busy = self.busy >= 0


class Nothing:
    """Stands for what these tests don't reach: any attribute, any call."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> Carrier:
    for name in ("topic_now", "Checkpoint", "ensure_tables"):
        monkeypatch.setattr(carry, name, Nothing())
    monkeypatch.setattr(Carrier, "_require_standing", lambda *_: None)
    nothing: Any = Nothing()
    return Carrier(nothing, load({}), "raw", nothing, threading.Event(), lambda _: None)


def test_running_batch_is_brought_to_its_end_before_the_query_is_stopped(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Query(carrier.stop, busy=3)
    monkeypatch.setattr(carry, "start", lambda *_: query)
    assert carrier.carry(once=False, anew=False).received == 0
    assert query.stopped_while_busy is False


def fails_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sink remembers the error, and Spark raises its own."""

    def start(spark: Any, settings: Any, topic: str, sink: Any, once: bool) -> None:
        sink.error = error
        raise PySparkException("a page of Java")

    monkeypatch.setattr(carry, "start", start)


def test_failure_is_the_reason_that_is_known_best(carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(LedgerAway("Postgres is away"), monkeypatch)
    with pytest.raises(LedgerAway, match=r"^Postgres is away$"):
        carrier.carry(once=True, anew=False)
    fails_with(ValueError("broken"), monkeypatch)
    with pytest.raises(StreamFailed, match=r"^broken; on the way from Kafka at \S+ to \S+\. See ./run status; the same again"):
        carrier.carry(once=True, anew=False)
    # What is judged before a start may come to pass while it runs.
    judged = iter([None, Stuck("messages left Kafka")])

    def judge(*_: Any) -> None:
        if trouble := next(judged):
            raise trouble

    monkeypatch.setattr(Carrier, "_require_standing", judge)
    with pytest.raises(Stuck, match="messages left Kafka"):
        carrier.carry(once=True, anew=False)


def test_what_fails_because_of_a_stop_is_no_failure(carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    carrier.stop.set()
    fails_with(StopAsked(), monkeypatch)
    assert carrier.carry(once=False, anew=False).received == 0


@pytest.mark.parametrize(("error", "status"), [(TopicAway("no topic"), 1), (Stuck("messages left"), 3)])
def test_status_says_whether_the_same_again_may_help(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(program, "run", run)
    assert program.main(["--once"]) == status
    assert capsys.readouterr().err == f"stream: {error}\n"
    with pytest.raises(type(error)):
        program.main(["--once", "--debug"])
