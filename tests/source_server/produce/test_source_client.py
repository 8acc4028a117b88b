"""The client of the source: it retries after temporary errors and reports lasting ones."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from cdp.settings import load
from source_server.produce.source_client import TRIES, SourceClient, SourceRefused

SETTINGS = load({"CDP_SOURCE_URL": "http://source", "CDP_SOURCE_TOKEN": "secret"})
Answer = httpx.Response | Exception


def client(*answers: Answer) -> tuple[SourceClient, list[httpx.Request], list[float]]:
    """A client whose source gives these answers; the last one repeats."""
    requests: list[httpx.Request] = []
    pauses: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        now = answers[min(len(requests), len(answers)) - 1]
        if isinstance(now, Exception):
            raise now
        return now

    return SourceClient(SETTINGS, pauses.append, httpx.MockTransport(answer)), requests, pauses


def page(lines: bytes, cursor: str = "c1", ended: str = "false") -> httpx.Response:
    return httpx.Response(200, content=lines, headers={"X-Next-Cursor": cursor, "X-End-Of-Data": ended})


def test_a_page_is_split_at_line_feeds_alone() -> None:
    """A carriage return or a line separator within a kept line is part of it."""
    source, requests, _ = client(page(b'{"a":1}\nbro\rken\xe2\x80\xa8line\n', ended="true"))
    got = source.get_page("shop", "c0", 5)
    assert got.lines == [b'{"a":1}', b"bro\rken\xe2\x80\xa8line"]
    assert (got.next_cursor, got.ended) == ("c1", True)
    assert str(requests[0].url) == "http://source/datasets/shop/events?limit=5&cursor=c0"
    assert requests[0].headers["authorization"] == "Bearer secret"


def test_an_empty_page_has_no_lines() -> None:
    assert client(page(b""))[0].get_page("shop", None, 5).lines == []


@pytest.mark.parametrize("trouble", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.Response(503)])
def test_temporary_errors_are_retried(trouble: Answer) -> None:
    source, requests, pauses = client(trouble, trouble, page(b"{}\n"))
    assert source.get_page("shop", None, 1).lines == [b"{}"]
    assert (len(requests), len(pauses)) == (3, 2)


def test_a_source_that_stays_away_is_named_with_the_remedy() -> None:
    source, requests, pauses = client(httpx.ConnectError("refused"))
    with pytest.raises(
        SourceRefused, match=r"the source at http://source does not answer \(refused\); start it: \./run up source"
    ):
        source.get_dataset("shop")
    assert (len(requests), len(pauses)) == (TRIES, TRIES - 1)


def test_a_refusal_is_reported_and_not_retried() -> None:
    source, requests, _ = client(httpx.Response(404, json={"detail": "there is no data set 'shop'"}))
    with pytest.raises(SourceRefused, match=r"the source answers 404: there is no data set 'shop'$"):
        source.get_dataset("shop")
    assert len(requests) == 1


def test_an_error_without_json_is_reported_too() -> None:
    source, _, _ = client(httpx.Response(403, text="<html>"))
    with pytest.raises(SourceRefused, match=r"answers 403: Forbidden"):
        source.get_dataset("shop")


def test_a_stop_ends_the_waiting() -> None:
    def stop(_: float) -> None:
        raise InterruptedError

    wait: Callable[[float], None] = stop
    transport = httpx.MockTransport(lambda _: httpx.Response(503))
    with SourceClient(SETTINGS, wait, transport) as source, pytest.raises(InterruptedError):
        source.get_dataset("shop")
