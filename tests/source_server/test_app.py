"""The HTTP source, as its clients use it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pyarrow as pa
import pytest

from cdp.events.fields import CONTRACT_VERSION
from cdp.settings import Settings, load
from source_server import store
from source_server.app import ALLOWED, MAX_LIMIT, create_app
from source_server.cursor import Cursor, CursorUnreadable, cursor_from_text
from tests.source_server.conftest import add_file

Get = Callable[..., httpx.Response]
Write = Callable[..., Path]


@pytest.fixture
def dataset(settings: Settings, ndjson: Write) -> store.Dataset:
    return add_file(settings, ndjson("shop.ndjson", *({"user_id": f"u{n}"} for n in range(7))))


def read_encoded(settings: Settings, path: str, accepted: str) -> tuple[str | None, bytes]:
    """The encoding of an answer, and its content as it was sent."""

    async def ask() -> tuple[str | None, bytes]:
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(create_app(settings)), base_url="http://source") as client,
            client.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer,
        ):
            return answer.headers.get("content-encoding"), b"".join([piece async for piece in answer.aiter_raw()])

    return asyncio.run(ask())


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
    assert detail == "there is no parameter 'offset'; there are limit, cursor, since, until, row."


@pytest.mark.parametrize("path", ["/datasets/shops", "/datasets/shops/events", "/datasets/..%2fshop/events"])
def test_an_unknown_data_set(path: str, get: Get, dataset: store.Dataset) -> None:
    problem(get(path), 404)


def test_a_damaged_data_set_is_reported(get: Get, settings: Settings, dataset: store.Dataset) -> None:
    path = store.folder(settings) / "shop.parquet"
    path.write_bytes(b"PAR1")
    for url in ("/health", "/datasets", "/datasets/shop/events"):
        assert "shop.parquet is damaged; load its file again" in problem(get(url), 500)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("gzip, zstd", "zstd"),
        ("gzip, zstd;q=0", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br", None),
        ("identity", None),
    ],
)
def test_pages_are_compressed_if_the_client_accepts_it(
    accepted: str, encoding: str | None, get: Get, settings: Settings, ndjson: Write
) -> None:
    add_file(settings, ndjson("shop.ndjson", *[{}] * 100))
    plain = get("/datasets/shop/events", headers={"Accept-Encoding": "identity"}).content
    used, raw = read_encoded(settings, "/datasets/shop/events", accepted)
    assert used == encoding
    assert (pa.Codec(encoding).decompress(raw, len(plain), asbytes=True) if encoding else raw) == plain
    assert encoding is None or len(raw) < len(plain) / 10


def test_a_client_does_not_download_the_same_content_again(get: Get, dataset: store.Dataset) -> None:
    first = get("/datasets/shop/events", params={"limit": 3})
    tag = first.headers["ETag"]
    again = get("/datasets/shop/events", params={"limit": 3}, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert again.headers["X-Next-Cursor"] == first.headers["X-Next-Cursor"]
    other = get("/datasets/shop/events", params={"limit": 2}, headers={"If-None-Match": tag})
    assert other.status_code == 200


def test_a_page_with_a_cursor_may_be_cached_forever(get: Get, dataset: store.Dataset) -> None:
    first = get("/datasets/shop/events", params={"limit": 3})
    assert first.headers["Cache-Control"] == "no-cache", "without a cursor the content may change"
    second = get("/datasets/shop/events", params={"limit": 3, "cursor": first.headers["X-Next-Cursor"]})
    assert "immutable" in second.headers["Cache-Control"]


def test_one_event_by_its_row_number(get: Get, dataset: store.Dataset) -> None:
    assert orjson.loads(get("/datasets/shop/events/6").content)["user_id"] == "u6"
    assert problem(get("/datasets/shop/events/7"), 404) == "there is no row 7; 'shop' has the rows 0 to 6."
    assert problem(get("/datasets/shop/events/-1"), 400) == "row must be a whole number from 0, not '-1'."


def test_events_between_two_times(get: Get, settings: Settings, ndjson: Write) -> None:
    times = [f"2019-10-01T{hour:02}:00:00Z" for hour in (3, 1, 2)] + ["never", "2019-10-01T04:00:00+02:00"]
    add_file(settings, ndjson("shop.ndjson", *({"event_time": time, "user_id": str(n)} for n, time in enumerate(times))))
    parameters = {"since": "2019-10-01T02:00:00Z", "until": "2019-10-01T03:00:00Z", "limit": 1}
    first = get("/datasets/shop/events", params=parameters)
    assert (orjson.loads(first.content)["user_id"], first.headers["X-End-Of-Data"]) == ("2", "false")
    assert first.headers["X-First-Time"] == first.headers["X-Last-Time"] == "2019-10-01T02:00:00+00:00"
    second = get(str(first.headers["Link"]).split("; ")[0].strip("<>"))
    assert (orjson.loads(second.content)["user_id"], second.headers["X-End-Of-Data"]) == ("4", "true")


@pytest.mark.parametrize("time", ["2019-10-01", "2019-10-01T00:00:00", "yesterday", ""])
def test_a_time_without_a_zone_says_how_times_are_written(time: str, get: Get, dataset: store.Dataset) -> None:
    detail = problem(get("/datasets/shop/events", params={"since": time}), 400)
    assert detail == f"since must be a time with a zone, like 2019-10-01T00:00:00Z, not {time!r}."


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
    }
    parameters = {one["name"]: one["schema"] for one in paths["/datasets/{name}/events"]["get"]["parameters"]}
    assert (parameters["limit"]["minimum"], parameters["limit"]["maximum"]) == (1, MAX_LIMIT)


class TestRate:
    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        return load({"CDP_VAR_DIR": str(tmp_path), "CDP_SOURCE_RATE": "2"})

    def test_too_many_requests_are_refused_with_the_time_to_wait(self, settings: Settings) -> None:
        async def ask() -> list[httpx.Response]:
            transport = httpx.ASGITransport(create_app(settings))
            async with httpx.AsyncClient(transport=transport, base_url="http://source") as client:
                return [await client.get(path) for path in (*["/datasets"] * 5, "/health")]

        answers = asyncio.run(ask())
        assert [answer.status_code for answer in answers] == [200] * 4 + [429, 200]
        detail = problem(answers[4], 429)
        assert detail.startswith("more than 2 requests a second; ")
        assert "CDP_SOURCE_RATE" in detail
        assert answers[4].headers["Retry-After"] == "1"


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
