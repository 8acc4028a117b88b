"""Harder messages of the benchmarks of the stream remain events, or remain refused for the same reason."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import chain
from random import Random

import pytest

from benchmarks.stream_by_hand import InvalidMessage, parse_event
from benchmarks.stream_messages import HARD_SHARE, SEED, make_messages, make_share_harder
from cdp.events.examples import message
from cdp.settings import load
from infra.stack.stack import Stack
from source_server.intake import judge_messages

EVENTS = 4_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def easy(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    stack = Stack(load({"CDP_VAR_DIR": str(tmp_path_factory.mktemp("var"))}))
    stack.state.mkdir()
    return list(chain.from_iterable(make_messages(stack, EVENTS, 0.0)))


@pytest.fixture(scope="module")
def hard(easy: list[bytes]) -> list[bytes]:
    return make_share_harder(easy, 1.0, Random(SEED))


def test_same_seed_gives_the_same_messages_of_which_the_share_is_harder(easy: list[bytes]) -> None:
    mixed = make_share_harder(easy, HARD_SHARE, Random(SEED))
    assert mixed == make_share_harder(easy, HARD_SHARE, Random(SEED))
    harder = sum(before != after for before, after in zip(easy, mixed, strict=True)) / len(easy)
    assert harder == pytest.approx(HARD_SHARE, abs=0.02)


def test_every_json_object_becomes_harder(easy: list[bytes], hard: list[bytes]) -> None:
    unchanged = [after for before, after in zip(easy, hard, strict=True) if before == after]
    assert all(not is_object(line) for line in unchanged)
    assert len(unchanged) < len(easy) / 100


def test_harder_messages_keep_their_verdict(easy: list[bytes], hard: list[bytes]) -> None:
    verdicts = judge_messages(easy, NOW)
    assert judge_messages(hard, NOW) == verdicts
    assert 0 < sum(verdict is not None for verdict in verdicts) < len(easy) / 100


@pytest.mark.parametrize(
    "pattern",
    [
        rb":null",
        rb'"device":\{',
        rb'"position":3',
        rb"\\ud83d\\ude00",
        rb"\\u00e9",
        rb":\d{19}[,}]",
        rb":\d{21}[,}]",
        rb":\d+\.\d{9,}",
    ],
)
def test_each_kind_is_there(hard: list[bytes], pattern: bytes) -> None:
    assert sum(bool(re.search(pattern, line)) for line in hard) > EVENTS / 100


def test_consumer_by_hand_reads_them_by_the_contract(hard: list[bytes]) -> None:
    refused = [not is_event_by_hand(line) for line in hard]
    assert refused == [verdict is not None for verdict in judge_messages(hard, NOW)]


def test_consumer_by_hand_keeps_all_digits_and_unknown_fields() -> None:
    changes = {"product_id": 10**20 + 7, "brand": "A\tB ", "price": 1.005, "device": {"os": "ios"}}
    event = parse_event(message(changes), NOW)
    assert (event["product_id"], event["brand"], str(event["price"])) == (str(10**20 + 7), "a b", "1.01")
    assert json.loads(event["extra"]) == {"device": {"os": "ios"}}


def is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def is_event_by_hand(line: bytes) -> bool:
    try:
        parse_event(line, NOW + timedelta(hours=24))
    except InvalidMessage:
        return False
    return True
