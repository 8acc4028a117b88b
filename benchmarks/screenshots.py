"""Takes a picture of every page of the running site in light, in dark and on a phone, and measures it: ./run screenshots.

The pages are those that a person reaches by links from the overview, one for each route. The exit status is 1 if the console of a
page has an error or a page sends a request to another host."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp_web.settings")

import django
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser
from rich.console import Console
from rich.table import Table

from benchmarks.chromium import NoChromium, Visit, log_in, open_chromium, visit
from cdp.programs import check_arguments_only
from infra.stack.stack import Stack, open_stack
from infra.stack.tools import say

SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 780}, "has_touch": True},
}
START = "/"
#: Of these only the first page has a picture: the others are Django's own, or made for programs.
ONLY = {"admin": "admin:index", "api": "api:docs"}

#: A page of the site by its route, with one visit for each screen.
Visits = dict[str, dict[str, Visit]]
See = Callable[[str, str], Visit | None]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=os.environ.get("PROGRAM_NAME", "python -m benchmarks.screenshots"), description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the pictures go (var/<stack>/screenshots)")
    arguments = parser.parse_args(argv)
    if check_arguments_only():
        return 0
    django.setup()
    stack = open_stack()
    folder = arguments.out or stack.state / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        visits = take_pictures(stack, folder)
    except NoChromium as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 1
    show(visits)
    print(f"{sum(map(len, visits.values()))} pictures of {len(visits)} pages in {folder}")
    return 1 if list_problems(visits) else 0


def take_pictures(stack: Stack, folder: Path) -> Visits:
    visits: Visits = {}
    with open_chromium() as browser:
        for screen in SCREENS:
            say(f"screenshots: {screen}")
            see = _open_screen(browser, stack, screen, folder)
            if not visits:
                visits = {route: {screen: page} for route, page in walk(see).items()}
                continue
            for route, by_screen in visits.items():
                if again := see(route, next(iter(by_screen.values())).address):
                    by_screen[screen] = again
    return visits


def _open_screen(browser: Browser, stack: Stack, screen: str, folder: Path) -> See:
    """A logged-in browser of one size and colour."""
    site = stack.settings.web_url
    context = browser.new_context(locale="en-GB", **SCREENS[screen])
    log_in(context, site, stack.settings.admin_user, stack.settings.admin_password)
    return lambda route, address: visit(context, site, address, folder / f"{name_picture(route)}-{screen}.png")


def walk(see: See, start: str = START) -> dict[str, Visit]:
    """One page of each route that links lead to, the nearest first."""
    waiting, tried, pages = [start], set[str](), dict[str, Visit]()
    while waiting:
        address = waiting.pop(0)
        route = find_route(address)
        if route is None or route in tried:
            continue
        tried.add(route)
        if page := see(route, address):
            pages[route] = page
            waiting += page.links
    return pages


def find_route(address: str) -> str | None:
    """The route of a page that gets a picture."""
    try:
        match = resolve(urlsplit(address).path)
    except Resolver404:
        return None
    app = match.app_names[0] if match.app_names else ""
    return None if app in ONLY and match.view_name != ONLY[app] else match.route


def name_picture(route: str) -> str:
    """A file name: segments/<int:segment_id>/edit -> segments-one-edit."""
    words = re.sub(r"<[^>]*>", "one", route).strip("/").replace("/", "-")
    return words or "overview"


def list_problems(visits: Visits) -> list[str]:
    return [
        f"{page.address} ({screen}): {problem}"
        for by_screen in visits.values()
        for screen, page in by_screen.items()
        for problem in (*page.console_errors, *(f"request to {url}" for url in page.foreign_requests))
    ]


def show(visits: Visits) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", title="milliseconds until the first paint, nothing cached")
    table.add_column("page")
    for title in (*(f"{screen}, ms" for screen in SCREENS), "KB", "requests", "console errors", "foreign requests"):
        table.add_column(title, justify="right")
    for by_screen in visits.values():
        first = next(iter(by_screen.values()))
        paints = [by_screen[screen].first_paint_ms if screen in by_screen else None for screen in SCREENS]
        errors = sum(len(page.console_errors) for page in by_screen.values())
        foreign = sum(len(page.foreign_requests) for page in by_screen.values())
        cells = (*("–" if paint is None else f"{paint:.0f}" for paint in paints), f"{first.transferred_bytes / 1000:,.0f}")
        table.add_row(first.address[:60], *cells, str(first.requests), str(errors), str(foreign))
    Console(width=140).print(table)
    for problem in list_problems(visits):
        print(f"wrong: {problem}")


if __name__ == "__main__":
    sys.exit(main())
