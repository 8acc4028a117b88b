"""Measures the site at 1 million customers and 10 million interactions, with a year of chart tables: 20 users at once, who open
pages and call the API without a pause between two requests; what a page weighs; when Chromium shows it.

Users and site share the machine, so with 20 users a request mostly waits for a core. What a page takes without others is measured
first, with one user."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

import httpx
import psutil

from benchmarks.chromium import log_in, open_chromium, visit
from benchmarks.outcome import Goal, Outcome
from benchmarks.segments import find_p95
from benchmarks.segments_data import write_history
from benchmarks.segments_site import MAIN, call_site
from benchmarks.web_data import fill_tables, write_scores
from benchmarks.web_mix import ROUTES, Answer, Things, ask_alone, ask_together, group_seconds
from benchmarks.web_site import FOLDER, PASSWORD, USERS, name_user
from cdp.settings import REPOSITORY
from infra.stack.services.site import WEB
from infra.stack.stack import Stack

NEEDS = ("postgres", "redis", "mongo")
CUSTOMERS = 1_000_000
REQUESTS, FEWEST_REQUESTS = 200, 20
TIMES_ALONE = 5
START_SECONDS = 60
PAGE_MS, PREVIEW_MS = 300, 500
PAGE_MB = 1.5
APPLICATION, OURS = "cdp_web.wsgi:application", "benchmarks.web_site:make_application()"
#: The benchmark measures the site, not its limits.
NO_LIMITS = dict.fromkeys(("CDP_API_RATE", "CDP_API_BURST_RATE", "CDP_API_PREVIEW_RATE"), "1000000/s")


def run(stack: Stack, scale: float) -> Outcome:
    outcome, customers, folder = Outcome("web"), round(CUSTOMERS * scale), stack.state / "web-bench"
    outcome.measure("load of the machine at the start", os.getloadavg()[0], "", f"{os.cpu_count()} cores")
    write_history(folder / str(MAIN), customers)
    write_scores(folder / str(MAIN))
    assert WEB.prepare is not None
    WEB.prepare(stack)
    prepared = call_site("prepare", folder, customers, "web_site")
    rows = fill_tables(stack.settings, folder / str(MAIN))
    outcome.measure("rows of the chart tables", sum(rows.values()), "", f"{rows['product_day']:,} of them products by day")
    things = Things(prepared["customer_ids"], prepared["segment_ids"])
    with serve(stack) as site:
        alone = ask_alone(site.url, things, TIMES_ALONE)
        requests = max(FEWEST_REQUESTS, round(REQUESTS * min(scale, 1)))
        together, seconds = ask_together(site.url, things, USERS, requests)
        report_requests(outcome, alone, together, seconds)
        outcome.measure("most memory of the site's processes", site.read_memory() / 1e9, "GB", "after the requests")
        report_pages(outcome, site.url, things)
    outcome.measure("load of the machine at the end", os.getloadavg()[0], "")
    return outcome


class Site:
    """Gunicorn with the stack's own arguments."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process, self.url = process, url

    def read_memory(self) -> int:
        """Memory of the master and its workers, shared pages counted once."""
        parent = psutil.Process(self.process.pid)
        return sum(process.memory_full_info().pss for process in (parent, *parent.children()))


@contextmanager
def serve(stack: Stack) -> Iterator[Site]:
    argv = [argument.replace(APPLICATION, OURS) for argument in WEB.command(stack).argv]
    environment = stack.base_env | NO_LIMITS | {FOLDER: str(stack.state / "web-bench")}
    with (stack.log_dir / "web-bench.log").open("wb") as log:
        process = subprocess.Popen(argv, env=environment, cwd=REPOSITORY, stdout=log, stderr=log)
        try:
            _wait_for_health(stack.settings.web_url, process)
            yield Site(process, stack.settings.web_url)
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS)


def _wait_for_health(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health").is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError("the site did not start; its log is log/web-bench.log of the stack")


def report_requests(outcome: Outcome, alone: Sequence[Answer], together: Sequence[Answer], seconds: float) -> None:
    by_route, quiet = group_seconds(together), group_seconds(alone)
    for route in ROUTES:
        if own := by_route.get(route.name):
            note = f"p95 {find_p95_of(own):,.0f}, {len(own)} requests; one user: {describe(quiet[route.name])}"
            outcome.measure(f"{route.kind} {route.name}, p50", 1000 * median(own), "ms", note)
    outcome.measure("requests a second", len(together) / seconds, "", f"{USERS} users, {len(together):,} requests")
    for kind, title, bound in (("page", "pages", PAGE_MS), ("API", "API", None), ("preview", "previews", PREVIEW_MS)):
        for answers, users in ((alone, "one user"), (together, f"{USERS} users")):
            own = [answer.seconds for answer in answers if answer.kind == kind]
            outcome.measure(f"{title}, {users}, p50", 1000 * median(own), "ms", f"p95 {find_p95_of(own):,.0f}")
            if bound is not None:
                outcome.goals.append(Goal(f"{title}, {users}, p95 in ms", find_p95_of(own), bound, at_least=False))
    problems = [answer.problem for answer in (*alone, *together) if answer.problem]
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
