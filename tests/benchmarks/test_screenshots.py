"""The walk over the pages of the site, without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.chromium import Visit, find_foreign, list_addresses
from benchmarks.screenshots import find_route, list_problems, name_picture, walk

SITE = "http://127.0.0.1:18000"
PAGE = Visit("/", 120.0, 50_000, 12, (), (), ())


def test_one_page_of_each_route_is_seen_the_nearest_first() -> None:
    links = {
        "/": ("/customers/", "/segments/"),
        "/customers/": ("/customers/7", "/customers/8", "/", "/api/docs", "/api/schema", "/admin/auth/user/"),
        "/segments/": ("/segments/3/export/file", "/segments/3", "/customers/9"),
    }
    downloads = {"/segments/3/export/file"}

    def see(route: str, address: str) -> Visit | None:
        return None if address in downloads else replace(PAGE, address=address, links=links.get(address, ()))

    pages = [page.address for page in walk(see).values()]
    assert pages == ["/", "/customers/", "/segments/", "/customers/7", "/api/docs", "/segments/3"]


@pytest.mark.parametrize(
    ("address", "picture"),
    [("/", "overview"), ("/segments/7/edit?x=1", "segments-one-edit"), ("/customers/a/b", "customers-one"), ("/admin/", "admin")],
)
def test_name_of_a_picture(address: str, picture: str) -> None:
    assert name_picture(find_route(address) or "") == picture


@pytest.mark.parametrize("address", ["/admin/auth/user/", "/api/schema", "/nowhere"])
def test_pages_without_a_picture(address: str) -> None:
    assert find_route(address) is None


def test_links_to_other_hosts_are_not_followed() -> None:
    links = [f"{SITE}/customers/?q=5", f"{SITE}/", "http://127.0.0.1:18002/dags"]
    assert list_addresses(links, SITE) == ("/customers/?q=5", "/")


def test_requests_to_other_hosts() -> None:
    urls = [f"{SITE}/texts.js", "data:image/png;base64,AA", "https://cdn.example/plotly.js", "http://127.0.0.1:18002/x"]
    assert find_foreign(urls, SITE) == ["https://cdn.example/plotly.js", "http://127.0.0.1:18002/x"]


def test_problems_name_page_and_screen() -> None:
    wrong = replace(PAGE, address="/segments/", console_errors=("boom",), foreign_requests=("https://cdn.example/x",))
    visits = {"": {"light": PAGE}, "segments/": {"light": replace(PAGE, address="/segments/"), "dark": wrong}}
    assert list_problems(visits) == ["/segments/ (dark): boom", "/segments/ (dark): request to https://cdn.example/x"]
