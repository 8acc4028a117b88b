"""The HTTP source, asked as a client asks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from cdp.settings import Settings, load
from source_server import store
from source_server.app import ALLOWED, MAX_LIMIT
from source_server.cursor import Cursor, CursorUnreadable, cursor_from_text

Get = Callable[..., httpx.Response]
Write = Callable[..., Path]


@pytest.fixture
def dataset(settings: Settings, ndjson: Write) -> store.Dataset:
    return store.add(settings, ndjson("shop.ndjson", *({"user_id": f"u{n}"} for n in range(7))))


def problem(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    return str(told["detail"])


def test_health_before_and_after_the_first_data_set(get: Get, settings: Settings, ndjson: Write) -> None:
    assert get("/health").json() == {"status": "ok", "datasets": 0}
    store.add(settings, ndjson("shop.ndjson", {}))
    assert get("/health").json() == {"status": "ok", "datasets": 1}


def test_data_sets_are_listed(get: Get, dataset: store.Dataset) -> None:
    one = {
        "name": "shop",
        "content_id": dataset.content_id,
        "rows": 7,
        "first_time": "2019-10-01 00:00:00",
        "last_time": "2019-10-01 00:00:00",
    }
    assert get("/datasets").json() == [one]
    assert get("/datasets/shop").json() == one


@pytest.mark.parametrize("limit", [1, 3, 7, 50_000])
def test_following_the_cursor_gives_every_row_once(limit: int, get: Get, dataset: store.Dataset) -> None:
    seen: list[str] = []
    asked: dict[str, Any] = {"limit": limit}
    while True:
        answer = get("/datasets/shop/events", params=asked)
        assert answer.headers["content-type"] == "application/x-ndjson"
        seen += [orjson.loads(line)["user_id"] for line in answer.content.splitlines()]
        if answer.headers["X-End-Of-Data"] == "true":
            break
        assert (
            answer.headers["Link"]
            == f'</datasets/shop/events?cursor={answer.headers["X-Next-Cursor"]}&limit={limit}>; rel="next"'
        )
        asked["cursor"] = answer.headers["X-Next-Cursor"]
    assert seen == [f"u{n}" for n in range(7)]
    assert "Link" not in answer.headers


def test_after_the_end_there_is_an_empty_page(get: Get, dataset: store.Dataset) -> None:
    end = get("/datasets/shop/events").headers["X-Next-Cursor"]
    answer = get("/datasets/shop/events", params={"cursor": end})
    assert (answer.content, answer.headers["X-End-Of-Data"], answer.headers["X-Next-Cursor"]) == (b"", "true", end)


def test_a_broken_line_arrives_as_it_was(get: Get, settings: Settings, ndjson: Write) -> None:
    store.add(settings, ndjson("dirt.ndjson", {}, b'{"cut\xff'))
    assert get("/datasets/dirt/events").content.splitlines()[1] == b'{"cut\xff'


@pytest.mark.parametrize("limit", ["0", str(MAX_LIMIT + 1), "-1", "x", "1.5", ""])
def test_a_limit_out_of_bounds_says_the_bounds(limit: str, get: Get, dataset: store.Dataset) -> None:
    detail = problem(get("/datasets/shop/events", params={"limit": limit}), 400)
    assert detail == f"limit must be a whole number from 1 to 50000, not {limit!r}."


@pytest.mark.parametrize("cursor", ["x", "v2.0123456789abcdef.1", "v1.0123456789abcdef.-1", "v1.0123456789abcdef.", ""])
def test_an_unreadable_cursor_says_where_cursors_come_from(cursor: str, get: Get, dataset: store.Dataset) -> None:
    detail = problem(get("/datasets/shop/events", params={"cursor": cursor}), 400)
    assert detail == f"cursor must be {ALLOWED['cursor']}, not {cursor!r}."


def test_a_cursor_behind_the_end(get: Get, dataset: store.Dataset) -> None:
    cursor = str(Cursor(dataset.content_id, 8))
    assert "points at row 8; 'shop' has 7 rows" in problem(get("/datasets/shop/events", params={"cursor": cursor}), 400)


def test_a_cursor_into_content_that_was_replaced(get: Get, settings: Settings, dataset: store.Dataset, ndjson: Write) -> None:
    cursor = get("/datasets/shop/events", params={"limit": 2}).headers["X-Next-Cursor"]
    store.add(settings, ndjson("shop.ndjson", {"user_id": "other"}))
    assert "begin again without a cursor" in problem(get("/datasets/shop/events", params={"cursor": cursor}), 409)


def test_a_misspelt_parameter_is_refused(get: Get, dataset: store.Dataset) -> None:
    detail = problem(get("/datasets/shop/events", params={"offset": "1"}), 400)
    assert detail == "there is no parameter 'offset'; there are limit, cursor."


@pytest.mark.parametrize("path", ["/datasets/shops", "/datasets/shops/events", "/datasets/..%2fshop/events"])
def test_an_unknown_data_set(path: str, get: Get, dataset: store.Dataset) -> None:
    problem(get(path), 404)


def test_a_damaged_data_set_is_told_as_such(get: Get, settings: Settings, dataset: store.Dataset) -> None:
    path = store.folder(settings) / "shop.parquet"
    path.write_bytes(b"PAR1")
    for asked in ("/health", "/datasets", "/datasets/shop/events"):
        assert "shop.parquet is damaged; load its file again" in problem(get(asked), 500)


def test_pages_are_compressed_for_those_who_can(get: Get, settings: Settings, ndjson: Write) -> None:
    store.add(settings, ndjson("shop.ndjson", *[{}] * 100))
    packed, plain = (get("/datasets/shop/events", headers={"Accept-Encoding": name}) for name in ("gzip", "identity"))
    assert (packed.headers.get("content-encoding"), plain.headers.get("content-encoding")) == ("gzip", None)
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content) / 10


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_no_page_loads_from_elsewhere(path: str, get: Get) -> None:
    problem(get(path), 404)


def test_the_description_names_what_can_be_asked(get: Get) -> None:
    paths = get("/openapi.json").json()["paths"]
    assert set(paths) == {"/health", "/datasets", "/datasets/{name}", "/datasets/{name}/events"}
    asked = {one["name"]: one["schema"] for one in paths["/datasets/{name}/events"]["get"]["parameters"]}
    assert (asked["limit"]["minimum"], asked["limit"]["maximum"]) == (1, MAX_LIMIT)


class TestToken:
    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        return load({"CDP_VAR_DIR": str(tmp_path), "CDP_SOURCE_TOKEN": "geheim-ü"})

    @pytest.mark.parametrize("path", ["/datasets", "/datasets/shop/events", "/openapi.json", "/nothing"])
    @pytest.mark.parametrize("given", [None, "geheim-ü", "Bearer", "Bearer other", "Basic geheim-ü"])
    def test_without_it_nothing_is_told(self, path: str, given: str | None, get: Get) -> None:
        answer = get(path, headers={"Authorization": given.encode()} if given else {})
        assert "Authorization: Bearer TOKEN; the token is the setting CDP_SOURCE_TOKEN" in problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "geheim" not in answer.text

    def test_with_it_all_is(self, get: Get) -> None:
        assert get("/datasets", headers={"Authorization": "Bearer geheim-ü".encode()}).json() == []

    def test_health_needs_none(self, get: Get) -> None:
        assert get("/health").json()["status"] == "ok"


def test_a_cursor_survives_its_text() -> None:
    cursor = Cursor("0123456789abcdef", 12)
    assert cursor_from_text(str(cursor)) == cursor
    with pytest.raises(CursorUnreadable):
        cursor_from_text(f"{cursor}\n")
