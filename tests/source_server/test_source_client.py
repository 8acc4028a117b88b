"""The client of the source: it waits out what passes, and says what does not."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from cdp.settings import load
from source_server.source_client import TRIES, SourceClient, SourceRefused

SETTINGS = load({"CDP_SOURCE_URL": "http://source", "CDP_SOURCE_TOKEN": "secret"})
Answer = httpx.Response | Exception


def client(*answers: Answer) -> tuple[SourceClient, list[httpx.Request], list[float]]:
    """A client whose source gives these answers, the last again and again."""
    asked: list[httpx.Request] = []
    pauses: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        now = answers[min(len(asked), len(answers)) - 1]
        if isinstance(now, Exception):
            raise now
        return now

    return SourceClient(SETTINGS, pauses.append, httpx.MockTransport(answer)), asked, pauses


def page(lines: bytes, cursor: str = "c1", ended: str = "false") -> httpx.Response:
    return httpx.Response(200, content=lines, headers={"X-Next-Cursor": cursor, "X-End-Of-Data": ended})


def test_a_page_is_split_at_line_feeds_alone() -> None:
    """A carriage return or a line separator within a kept line is part of it."""
    source, asked, _ = client(page(b'{"a":1}\nbro\rken\xe2\x80\xa8line\n', ended="true"))
    got = source.page("shop", "c0", 5)
    assert got.lines == [b'{"a":1}', b"bro\rken\xe2\x80\xa8line"]
    assert (got.next_cursor, got.ended) == ("c1", True)
    assert str(asked[0].url) == "http://source/datasets/shop/events?limit=5&cursor=c0"
    assert asked[0].headers["authorization"] == "Bearer secret"


def test_an_empty_page_has_no_lines() -> None:
    assert client(page(b""))[0].page("shop", None, 5).lines == []


@pytest.mark.parametrize("trouble", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.Response(503)])
def test_what_passes_is_waited_out(trouble: Answer) -> None:
    source, asked, pauses = client(trouble, trouble, page(b"{}\n"))
    assert source.page("shop", None, 1).lines == [b"{}"]
    assert (len(asked), len(pauses)) == (3, 2)


def test_asked_too_often_it_waits_as_long_as_it_is_told() -> None:
    source, asked, pauses = client(httpx.Response(429, headers={"Retry-After": "7"}, json={"detail": "slow"}), page(b"{}\n"))
    assert source.page("shop", None, 1).lines == [b"{}"]
    assert (len(asked), pauses) == (2, [7.0])


def test_a_source_that_stays_away_is_named_with_the_remedy() -> None:
    source, asked, pauses = client(httpx.ConnectError("refused"))
    with pytest.raises(
        SourceRefused, match=r"the source at http://source does not answer \(refused\); start it: \./run up source"
    ):
        source.dataset("shop")
    assert (len(asked), len(pauses)) == (TRIES, TRIES - 1)


def test_a_refusal_is_repeated_and_not_tried_again() -> None:
    source, asked, _ = client(httpx.Response(404, json={"detail": "there is no data set 'shop'"}))
    with pytest.raises(SourceRefused, match=r"the source answers 404: there is no data set 'shop'$"):
        source.dataset("shop")
    assert len(asked) == 1


def test_an_answer_of_something_else_is_told_too() -> None:
    source, _, _ = client(httpx.Response(403, text="<html>"))
    with pytest.raises(SourceRefused, match=r"answers 403: Forbidden"):
        source.dataset("shop")


def test_a_stop_ends_the_waiting() -> None:
    def stop(_: float) -> None:
        raise InterruptedError

    wait: Callable[[float], None] = stop
    transport = httpx.MockTransport(lambda _: httpx.Response(503))
    with SourceClient(SETTINGS, wait, transport) as source, pytest.raises(InterruptedError):
        source.dataset("shop")
