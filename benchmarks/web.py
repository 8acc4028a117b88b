"""Measures the site at 1 million customers and 10 million interactions, with a year of chart tables: one user; 20 users who read
for 5 seconds between two requests; 20 users without a pause, which is the most that the machine can do; what a page weighs; when
Chromium shows it. Users and site share the machine, so without a pause a request mostly waits for a core."""

from __future__ import annotations

import os
from collections.abc import Sequence
from statistics import median

from benchmarks.chromium import log_in, open_chromium, visit
from benchmarks.outcome import Goal, Outcome
from benchmarks.segments import find_p95
from benchmarks.web_mix import ROUTES, Answer, Things, ask_alone, ask_together, group_seconds
from benchmarks.web_serve import prepare_site, serve
from benchmarks.web_site import PASSWORD, USERS, name_user
from infra.stack.stack import Stack

NEEDS = ("postgres", "redis", "mongo")
CUSTOMERS = 1_000_000
REQUESTS, FEWEST_REQUESTS = 100, 20
TIMES_ALONE = 5
#: How long people look at a page, on average.
PAUSE_SECONDS = 5
PAGE_MS, PREVIEW_MS = 300, 500
PAGE_MB = 1.5


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("web")
    outcome.measure("load of the machine at the start", os.getloadavg()[0], "", f"{os.cpu_count()} cores")
    prepared = prepare_site(stack, round(CUSTOMERS * scale))
    rows = prepared.chart_rows
    outcome.measure("rows of the chart tables", sum(rows.values()), "", f"{rows['product_day']:,} of them products by day")
    things = prepared.things
    with serve(stack) as site:
        alone = ask_alone(site.url, things, TIMES_ALONE)
        requests = max(FEWEST_REQUESTS, round(REQUESTS * min(scale, 1)))
        reading, _ = ask_together(site.url, things, USERS, max(2, requests // 5), PAUSE_SECONDS)
        together, seconds = ask_together(site.url, things, USERS, requests)
        report_requests(outcome, alone, reading, together, seconds)
        outcome.measure("most memory of the site's processes", site.read_memory() / 1e9, "GB", "after the requests")
        report_pages(outcome, site.url, things)
    outcome.measure("load of the machine at the end", os.getloadavg()[0], "")
    return outcome


def report_requests(
    outcome: Outcome, alone: Sequence[Answer], reading: Sequence[Answer], together: Sequence[Answer], seconds: float
) -> None:
    by_route, quiet = group_seconds(together), group_seconds(alone)
    for route in ROUTES:
        if own := by_route.get(route.name):
            note = f"p95 {find_p95_of(own):,.0f}, {len(own)} requests; one user: {describe(quiet[route.name])}"
            outcome.measure(f"{route.kind} {route.name}, p50", 1000 * median(own), "ms", note)
    groups = ((alone, "one user"), (reading, f"{USERS} users who read"), (together, f"{USERS} users without a pause"))
    outcome.measure("requests a second", len(together) / seconds, "", f"{USERS} users, {len(together):,} requests")
    for kind, title, bound in (("page", "pages", PAGE_MS), ("API", "API", None), ("preview", "previews", PREVIEW_MS)):
        for answers, users in groups:
            own = [answer.seconds for answer in answers if answer.kind == kind]
            outcome.measure(f"{title}, {users}, p50", 1000 * median(own), "ms", f"p95 {find_p95_of(own):,.0f}")
            if bound is not None:
                outcome.goals.append(Goal(f"{title}, {users}, p95 in ms", find_p95_of(own), bound, at_least=False))
    problems = [answer.problem for answer in (*alone, *reading, *together) if answer.problem]
    outcome.measure("errors", len(problems), "", "; ".join(sorted(set(problems))[:5]))
    outcome.goals.append(Goal("errors", len(problems), 0, at_least=False))


def describe(seconds: Sequence[float]) -> str:
    return f"p50 {1000 * median(seconds):,.0f}, p95 {find_p95_of(seconds):,.0f}"


def find_p95_of(seconds: Sequence[float]) -> float:
    return find_p95(seconds) if len(seconds) > 1 else 1000 * seconds[0]


def report_pages(outcome: Outcome, site: str, things: Things) -> None:
    """Weight and first paint with an empty cache."""
    best = f"/customers/{things.customers[0]}"
    pages = {"overview": "/", "customers": "/customers/", "one customer": best, "builder": "/segments/new"}
    weights = []
    with open_chromium() as browser:
        context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 860})
        log_in(context, site, name_user(0), PASSWORD)
        for name, address in pages.items():
            page = visit(context, site, address)
            assert page is not None
            weights.append(page.transferred_bytes / 1e6)
            outcome.measure(
                f"{name}, first paint", page.first_paint_ms or 0, "ms", f"{weights[-1]:.2f} MB, {page.requests} requests"
            )
            outcome.goals.append(Goal(f"{name}: errors in the console", len(page.console_errors), 0, at_least=False))
    outcome.goals.append(Goal("MB of the heaviest page", max(weights), PAGE_MB, at_least=False))
