"""Exports over HTTP: what is refused before Kafka is contacted, and a whole export with a real broker."""

from __future__ import annotations

import asyncio
import gzip
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from cdp.events import TOPICS
from cdp.events.topics import MAX_ROW_BYTES, Topic
from cdp.settings import Settings, current
from infra.stack.services import kafka
from source_server.diff import send
from source_server.diff.snapshots import Snapshots
from source_server.http import uploads
from source_server.http.app import create_app
from source_server.shop.tables import BY_NAME

TOKEN = {"Authorization": "Bearer secret"}
CSV = b"order_id,status\n1,placed\n2,paid\n"


def post(
    settings: Settings, path: str, body: bytes = CSV, params: Mapping[str, str] | None = None, token: bool = True
) -> httpx.Response:
    async def split_body() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    async def send_body() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://source") as client:
            return await client.post(path, content=split_body(), headers=TOKEN if token else {}, params=params)

    return asyncio.run(send_body())


@pytest.fixture
def with_token(settings: Settings) -> Settings:
    return replace(settings, source_token="secret", diff_upload_mb=1)


@pytest.mark.parametrize(
    ("path", "body", "params", "status", "detail"),
    [
        ("/diff/order", CSV, {}, 404, "'order' is not a table of the shop; did you mean 'orders'?"),
        ("/diff/orders", CSV, {"keys": "id"}, 400, "there is no parameter 'keys'; there are key, columns, delimiter"),
        ("/diff/orders", CSV, {"dry_run": "perhaps"}, 400, "dry_run must be true or false, not 'perhaps'."),
        ("/diff/orders", CSV, {"key": "a,b"}, 400, "the key of orders is order_id; a,b has another number of columns."),
        ("/diff/orders", CSV, {"name": "../orders.csv"}, 400, "name must be a file name"),
        ("/diff/orders", CSV, {"delimiter": ";"}, 422, "is the delimiter ','?"),
        ("/diff/orders", CSV + b"x,paid\n", {}, 422, "orders.csv: line 4: order_id must be a whole number"),
        ("/diff/orders", CSV, {"name": "o.csv.gz"}, 422, "o.csv.gz can't be read after line 0"),
        ("/diff/orders", b"order_id\n" * 200_000, {}, 413, "an export may have 1 MB (CDP_DIFF_UPLOAD_MB)"),
    ],
)
def test_refusals(with_token: Settings, path: str, body: bytes, params: dict[str, str], status: int, detail: str) -> None:
    answer = post(with_token, path, body, params)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"]
    assert list(uploads.folder(with_token).glob("*")) == []


def test_token_is_needed_also_if_reading_needs_none(settings: Settings, with_token: Settings) -> None:
    assert post(with_token, "/diff/orders", token=False).status_code == 401
    answer = post(settings, "/diff/orders")
    assert (answer.status_code, "set CDP_SOURCE_TOKEN" in answer.json()["detail"]) == (403, True)


def test_run_at_the_same_time_is_a_conflict(with_token: Settings) -> None:
    with Snapshots(with_token, "orders", BY_NAME["orders"].key).lock():
        assert post(with_token, "/diff/orders").status_code == 409


def test_description_has_the_body_and_the_parameters(get: Any) -> None:
    operation = get("/openapi.json").json()["paths"]["/diff/{table}"]["post"]
    assert "text/csv" in operation["requestBody"]["content"]
    assert {parameter["name"] for parameter in operation["parameters"]} == {"table", *uploads.ALLOWED}
    assert "4XX" in operation["responses"]
    assert "422" not in operation["responses"]


def test_uploads_of_a_killed_server_are_removed(settings: Settings) -> None:
    left = uploads.folder(settings) / "tmp1" / "orders.csv"
    left.parent.mkdir(parents=True)
    left.write_bytes(CSV)
    uploads.remove_uploads(settings)
    assert not left.exists()


@pytest.mark.stack("kafka")
def test_export_answers_with_its_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = Topic("test.diff", "primary key", "what the tests of a diff send", max_bytes=MAX_ROW_BYTES)
    position = f"test-diff-{uuid.uuid4().hex[:12]}"
    monkeypatch.setattr(kafka, "TOPICS", (*TOPICS, topic))
    monkeypatch.setattr(send, "find_topic", lambda table: topic)
    monkeypatch.setattr(send, "name_position", lambda table: position)
    kafka.ensure_topics(current())
    settings = replace(current(), var_dir=tmp_path, source_token="secret")
    counts = {"inserted": 2, "updated": 0, "deleted": 0}
    facts = {"table": "orders", "file": "orders.csv", "rows": 2, "resent": 0, "unknown_columns": []}
    assert post(settings, "/diff/orders", CSV, {"dry_run": "true"}).json() == facts | counts | {"dry_run": True}
    assert post(settings, "/diff/orders").json() == facts | counts | {"dry_run": False}
    packed = gzip.compress(b"No;status\n1;placed\n2;shipped\n")
    parameters = {"name": "o.csv.gz", "key": "No", "delimiter": ";"}
    changed = post(settings, "/diff/orders", packed, parameters).json()
    assert (changed["inserted"], changed["updated"], changed["deleted"]) == (0, 1, 0)
    answer = post(settings, "/diff/orders", b"order_id,status\n")
    assert (answer.status_code, "would delete 2 of 2 rows" in answer.json()["detail"]) == (409, True)
    assert post(settings, "/diff/orders", b"order_id,status\n", {"allow_deletes": "true"}).json()["deleted"] == 2
