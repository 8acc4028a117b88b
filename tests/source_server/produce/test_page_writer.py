"""The key of a message: the customer, if the line has one."""

from __future__ import annotations

import pytest

from cdp.events import EVENTS_RAW
from cdp.events.examples import VALID, message
from source_server.produce import page_writer
from source_server.produce.page_writer import read_key


@pytest.mark.parametrize("name", VALID)
def test_every_valid_example_has_the_key_of_its_customer(name: str) -> None:
    assert read_key(message(VALID[name])) == b"513042592"


def test_events_go_to_the_topic_that_the_stream_reads() -> None:
    assert page_writer.EVENTS_RAW is EVENTS_RAW


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b'{"user_id":"u1"}', b"u1"),
        (b'{"user_id":512345678}', b"512345678"),
        ('{"user_id":"ü"}'.encode(), "ü".encode()),
        (b'{"user_id":""}', None),
        (b'{"user_id":null}', None),
        (b'{"user_id":["u1"]}', None),
        (b'{"user_id":1.5}', None),
        (b'{"user_id":true}', None),
        (b"{}", None),
        (b'["user_id"]', None),
        (b'{"user_id":"u1"', None),
        (b"\xff", None),
    ],
)
def test_key(line: bytes, key: bytes | None) -> None:
    assert read_key(line) == key
