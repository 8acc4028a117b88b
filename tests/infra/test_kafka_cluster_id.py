"""The id with which a new Kafka is formatted."""

from __future__ import annotations

import uuid

import pytest

from infra.stack.services import kafka


def test_an_id_that_looks_like_an_option_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [uuid.UUID(bytes=bytes([first]) + bytes(15)) for first in (0xF8, 0xFB, 0x04)]
    monkeypatch.setattr(uuid, "uuid4", lambda: drawn.pop(0))
    assert kafka.make_cluster_id() == "BAAAAAAAAAAAAAAAAAAAAA"
