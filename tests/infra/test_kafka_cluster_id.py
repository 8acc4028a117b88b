"""The id that a new Kafka is formatted with."""

from __future__ import annotations

import uuid

import pytest

from infra.stack.services import kafka


def test_an_id_that_reads_like_an_option_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [uuid.UUID(bytes=bytes([first]) + bytes(15)) for first in (0xF8, 0xFB, 0x04)]
    monkeypatch.setattr(uuid, "uuid4", lambda: drawn.pop(0))
    assert kafka.cluster_id() == "BAAAAAAAAAAAAAAAAAAAAA"
