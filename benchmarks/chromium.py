"""Debian's Chromium: how it starts, how it logs in to the site, and what one page costs in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright
from playwright.sync_api import TimeoutError as PageTimeout

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
NO_CHROMIUM = "Chromium is missing. Install it: apt-get install chromium"
IDLE_MS = 10_000
#: Parts of an address that are no request to a host.
LOCAL_SCHEMES = ("data", "blob", "about")
READ_FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
#: Links of an SVG, too, whose `href` is no text.
READ_LINKS = """() => [...document.querySelectorAll("a[href]:not([download])")]
    .map(link => new URL(link.getAttribute("href"), document.baseURI).href)"""


class NoChromium(Exception):
    """Chromium is not installed."""


@contextmanager
def open_chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        raise NoChromium(NO_CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass(frozen=True, slots=True)
class Visit:
    """One page, loaded with an empty cache."""

    address: str
    first_paint_ms: float | None
    transferred_bytes: float
    requests: int
    console_errors: tuple[str, ...]
    foreign_requests: tuple[str, ...]
    links: tuple[str, ...]


def log_in(context: BrowserContext, site: str, name: str, password: str) -> None:
    page = context.new_page()
    page.goto(f"{site}/accounts/login")
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(password)
    page.locator("#id_password").press("Enter")
    page.locator("aside.sidebar").wait_for()
    page.close()


def visit(context: BrowserContext, site: str, address: str, picture: Path | None = None) -> Visit | None:
    """Load a page, wait until it is quiet, and take its picture. None if the address is a download."""
    page = context.new_page()
    sizes: list[float] = []
    requests: list[str] = []
    errors: list[str] = []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        if not _open(page, site + address):
            return None
        if picture is not None:
            page.screenshot(path=picture, full_page=True)
        paint, links = page.evaluate(READ_FIRST_PAINT), list_addresses(page.evaluate(READ_LINKS), site)
        foreign = tuple(find_foreign(requests, site))
        return Visit(address, paint, sum(sizes), len(requests), tuple(errors), foreign, links)
    finally:
        page.close()


def _open(page: Page, url: str) -> bool:
    """Whether the address is a page. A page that asks the server for news all the time is never quiet."""
    try:
        response = page.goto(url, wait_until="load")
    except Error as error:
        if "Download is starting" in error.message:
            return False
        raise
    with suppress(PageTimeout):
        page.wait_for_load_state("networkidle", timeout=IDLE_MS)
    return response is None or response.headers.get("content-type", "").startswith("text/html")


def find_foreign(urls: Sequence[str], site: str) -> list[str]:
    """Requests to another host than the site's."""
    return [url for url in urls if urlsplit(url).scheme not in LOCAL_SCHEMES and urlsplit(url).netloc != urlsplit(site).netloc]


def list_addresses(links: Sequence[str], site: str) -> tuple[str, ...]:
    """The links to pages of the site, without the host: /customers/?q=5."""
    own = [parts for parts in map(urlsplit, links) if parts.netloc == urlsplit(site).netloc]
    return tuple(f"{parts.path}?{parts.query}" if parts.query else parts.path for parts in own)
