"""The HTTP source, as its clients use it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from cdp.events.fields import CONTRACT_VERSION
from cdp.settings import Settings, load
from source_server.http.app import ALLOWED, MAX_LIMIT
from source_server.http.cursor import Cursor, CursorUnreadable, cursor_from_text
from source_server.intake import store
from tests.source_server.conftest import add_file

Get = Callable[..., httpx.Response]
Write = Callable[..., Path]


@pytest.fixture
def dataset(settings: Settings, ndjson: Write) -> store.Dataset:
    return add_file(settings, ndjson("shop.ndjson", *({"user_id": f"u{n}"} for n in range(7))))


def problem(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    assert content["status"] == status
    return str(content["detail"])


def test_health_before_and_after_the_first_data_set(get: Get, settings: Settings, ndjson: Write) -> None:
    assert get("/health").json() == {"status": "ok", "datasets": 0}
    add_file(settings, ndjson("shop.ndjson", {}))
    assert get("/health").json() == {"status": "ok", "datasets": 1}


def test_data_sets_are_listed(get: Get, dataset: store.Dataset) -> None:
    one = {
        "name": "shop",
        "content_id": dataset.content_id,
        "contract": CONTRACT_VERSION,
        "rows": 7,
        "first_time": "2019-10-01T00:00:00+00:00",
        "last_time": "2019-10-01T00:00:00+00:00",
        "file": dataset.account.as_json(),
    }
    assert get("/datasets").json() == [one]
    assert get("/datasets/shop").json() == one


@pytest.mark.parametrize("limit", [1, 3, 7, 50_000])
def test_following_the_cursor_gives_every_row_once(limit: int, get: Get, dataset: store.Dataset) -> None:
    users: list[str] = []
    parameters: dict[str, Any] = {"limit": limit}
    while True:
        answer = get("/datasets/shop/events", params=parameters)
        assert answer.headers["content-type"] == "application/x-ndjson"
        users += [orjson.loads(line)["user_id"] for line in answer.content.splitlines()]
        if answer.headers["X-End-Of-Data"] == "true":
            break
        assert (
            answer.headers["Link"]
            == f'<http://source/datasets/shop/events?limit={limit}&cursor={answer.headers["X-Next-Cursor"]}>; rel="next"'
        )
        parameters["cursor"] = answer.headers["X-Next-Cursor"]
    assert users == [f"u{n}" for n in range(7)]
    assert "Link" not in answer.headers


def test_after_the_end_there_is_an_empty_page(get: Get, dataset: store.Dataset) -> None:
    end = get("/datasets/shop/events").headers["X-Next-Cursor"]
    answer = get("/datasets/shop/events", params={"cursor": end})
    assert (answer.content, answer.headers["X-End-Of-Data"], answer.headers["X-Next-Cursor"]) == (b"", "true", end)


def test_a_page_names_its_least_and_greatest_time(get: Get, settings: Settings, ndjson: Write) -> None:
    times = [f"2019-10-01T{hour:02}:00:00Z" for hour in (3, 1, 2)] + ["never", "2019-10-01T06:00:00+02:00"]
    add_file(settings, ndjson("shop.ndjson", *({"event_time": time} for time in times)))
    first = get("/datasets/shop/events", params={"limit": 3})
    assert first.headers["X-First-Time"] == "2019-10-01T01:00:00+00:00"
    assert first.headers["X-Last-Time"] == "2019-10-01T03:00:00+00:00"
    cursor = first.headers["X-Next-Cursor"]
    timeless = get("/datasets/shop/events", params={"limit": 1, "cursor": cursor})
    assert "X-First-Time" not in timeless.headers
    assert "X-Last-Time" not in timeless.headers
    rest = get("/datasets/shop/events", params={"cursor": cursor})
    assert rest.headers["X-First-Time"] == rest.headers["X-Last-Time"] == "2019-10-01T04:00:00+00:00"


def test_a_broken_line_is_served_unchanged(get: Get, settings: Settings, ndjson: Write) -> None:
    add_file(settings, ndjson("dirt.ndjson", {}, b'{"cut\xff'))
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
    add_file(settings, ndjson("shop.ndjson", {"user_id": "other"}))
    assert "start again without a cursor" in problem(get("/datasets/shop/events", params={"cursor": cursor}), 409)


def test_a_misspelt_parameter_is_refused(get: Get, dataset: store.Dataset) -> None:
    detail = problem(get("/datasets/shop/events", params={"offset": "1"}), 400)
    assert detail == "there is no parameter 'offset'; there are limit, cursor, row."


@pytest.mark.parametrize("path", ["/datasets/shops", "/datasets/shops/events", "/datasets/..%2fshop/events"])
def test_an_unknown_data_set(path: str, get: Get, dataset: store.Dataset) -> None:
    problem(get(path), 404)


def test_a_damaged_data_set_is_reported(get: Get, settings: Settings, dataset: store.Dataset) -> None:
    path = store.folder(settings) / "shop.parquet"
    path.write_bytes(b"PAR1")
    for url in ("/health", "/datasets", "/datasets/shop/events"):
        assert "shop.parquet is damaged; load its file again" in problem(get(url), 500)


def test_one_event_by_its_row_number(get: Get, dataset: store.Dataset) -> None:
    assert orjson.loads(get("/datasets/shop/events/6").content)["user_id"] == "u6"
    assert problem(get("/datasets/shop/events/7"), 404) == "there is no row 7; 'shop' has the rows 0 to 6."
    assert problem(get("/datasets/shop/events/-1"), 400) == "row must be a whole number from 0, not '-1'."


def test_the_page_of_the_description_loads_nothing_from_elsewhere(get: Get) -> None:
    page = get("/docs").text
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)|url: ["']([^"']+)""", page)
    assert {one or other for one, other in addresses} >= {"/docs/static/swagger-ui-bundle.js", "/openapi.json"}
    for address in (one or other for one, other in addresses):
        assert get(address).status_code == 200, address
    assert "://" not in re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL).replace("window.location", "")


def test_the_description_names_all_paths_and_limits(get: Get) -> None:
    paths = get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/health",
        "/datasets",
        "/datasets/{name}",
        "/datasets/{name}/events",
        "/datasets/{name}/events/{row}",
        "/diff/{table}",
    }
    parameters = {one["name"]: one["schema"] for one in paths["/datasets/{name}/events"]["get"]["parameters"]}
    assert (parameters["limit"]["minimum"], parameters["limit"]["maximum"]) == (1, MAX_LIMIT)


class TestToken:
    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        return load({"CDP_VAR_DIR": str(tmp_path), "CDP_SOURCE_TOKEN": "geheim-ü"})

    @pytest.mark.parametrize("path", ["/datasets", "/datasets/shop/events", "/datasets/shop/events/0", "/nothing", "/docsx"])
    @pytest.mark.parametrize("header", [None, "geheim-ü", "Bearer", "Bearer other", "Basic geheim-ü"])
    def test_without_the_token_every_request_is_refused(self, path: str, header: str | None, get: Get) -> None:
        answer = get(path, headers={"Authorization": header.encode()} if header else {})
        assert "Authorization: Bearer TOKEN; the token is the setting CDP_SOURCE_TOKEN" in problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "geheim" not in answer.text

    def test_with_the_token_requests_are_answered(self, get: Get) -> None:
        assert get("/datasets", headers={"Authorization": "Bearer geheim-ü".encode()}).json() == []

    @pytest.mark.parametrize("path", ["/health", "/docs", "/docs/static/swagger-ui.css", "/openapi.json"])
    def test_health_and_description_need_none(self, path: str, get: Get) -> None:
        assert get(path).status_code == 200

    def test_the_description_says_how_it_is_sent(self, get: Get) -> None:
        read_description = get("/openapi.json").json()
        assert read_description["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}


def test_a_cursor_survives_its_text() -> None:
    cursor = Cursor("0123456789abcdef", 12)
    assert cursor_from_text(str(cursor)) == cursor
    with pytest.raises(CursorUnreadable):
        cursor_from_text(f"{cursor}\n")
