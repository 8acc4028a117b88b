"""Times what people do with the site, in Chromium: clicks, keys, and the seconds that the script takes without a pause to think.
A choice in a menu of the browser counts as two clicks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
from playwright.sync_api import Error, Locator, Page, expect

from benchmarks.chromium import log_in, open_chromium
from benchmarks.outcome import Goal, Outcome
from benchmarks.segments_data import DAY
from benchmarks.segments_site import MAIN
from benchmarks.web import NEEDS
from benchmarks.web_serve import prepare_site, serve
from infra.stack.stack import Stack

__all__ = ["NEEDS", "run"]

#: As many as the demo has.
CUSTOMERS = 15_000
WAIT_MS = 20_000
SEGMENT = "Quiet or good"
A_NUMBER = re.compile(r"^\s*[\d,]+\s*$")


class Hands:
    """A person at the page, whose clicks and keys are counted."""

    def __init__(self, page: Page, customer_id: str, left_in_cart: int) -> None:
        self.page, self.customer_id, self.left_in_cart = page, customer_id, left_in_cart
        self.clicks = self.keys = 0

    def click(self, target: Locator) -> None:
        self.clicks += 1
        target.click()

    def follow(self, name: str, place: Locator | None = None, exact: bool = True) -> None:
        self.click((place or self.page.locator("body")).get_by_role("link", name=name, exact=exact).first)

    def press(self, button: str, place: Locator | None = None) -> None:
        self.click((place or self.page.locator("body")).get_by_role("button", name=button).last)

    def choose(self, target: Locator, value: str) -> None:
        self.clicks += 2
        target.select_option(value)

    def type(self, text: str, enter: bool = False) -> None:
        """Into the control that has the focus."""
        self.keys += len(text) + enter
        self.page.keyboard.type(text)
        if enter:
            self.page.keyboard.press("Enter")

    def fill(self, target: Locator, text: str) -> None:
        """Replace what a field holds."""
        self.click(target)
        self.keys += 1
        self.page.keyboard.press("Control+a")
        self.type(text)

    def add(self, kind: str, group: Locator | None = None) -> None:
        self.press("Add condition", group)
        self.click(self.page.get_by_role("menuitem", name=kind))


def find_condition(page: Page, place: int) -> Locator:
    return page.locator(".condition").nth(place)


def choose_metric(hands: Hands, place: int, words: str, value: str) -> None:
    """Opens the list of metrics, takes the best match, and types the value."""
    hands.click(find_condition(hands.page, place).locator(".field-button").first)
    hands.type(words, enter=True)
    hands.type(value)


def build_segment(hands: Hands) -> None:
    page = hands.page
    hands.follow("Segments")
    hands.follow("New segment")
    hands.press("any")
    choose_metric(hands, 0, "days since last seen", "30")
    hands.add("Group")
    choose_metric(hands, 1, "orders", "2")
    hands.add("Metric", page.locator(".group .group"))
    choose_metric(hands, 2, "net revenue", "500")
    hands.choose(find_condition(page, 2).get_by_label("Comparison"), "gt")
    expect(page.locator("#preview")).to_have_attribute("data-state", "counted")
    hands.click(page.get_by_label("Name", exact=True))
    hands.type(SEGMENT)
    hands.press("Save segment")
    expect(page.locator("#segment-size")).to_have_text(A_NUMBER)
    hands.follow("Members")
    expect(page.locator("#members tbody tr").first).to_be_visible()


def find_left_in_cart(hands: Hands) -> None:
    page = hands.page
    hands.follow("Segments")
    hands.follow("New segment")
    hands.press("Remove this condition")
    for place, (did, event) in enumerate((("did", "cart"), ("did_not", "purchase"))):
        hands.add("Behaviour")
        condition = find_condition(page, place)
        if did != "did":
            hands.choose(condition.get_by_label("Did or did not"), did)
        hands.choose(condition.get_by_label("Event"), event)
        hands.fill(condition.get_by_label("Number of days"), "7")
        hands.press("Browse categories", condition)
        expect(page.get_by_role("combobox", name="Search categories")).to_be_focused()
        hands.type("electronics", enter=True)
    expect(page.locator("#preview-count")).to_have_text(f"{hands.left_in_cart:,}")


def explain_customer(hands: Hands) -> None:
    hands.follow("Customers")
    hands.click(hands.page.get_by_label("Search by id"))
    hands.type(hands.customer_id)
    expect(hands.page.locator("#results tbody tr")).to_have_count(1)
    hands.follow(hands.customer_id)
    hands.follow("why?")
    expect(hands.page.locator("#answer-title")).to_contain_text(f"{hands.customer_id} matches the rule")


def open_segment(hands: Hands) -> None:
    hands.follow("Segments")
    hands.follow(SEGMENT)


def export_members(hands: Hands) -> None:
    open_segment(hands)
    hands.follow("Exports and uses")
    hands.follow("Export")
    with hands.page.expect_download() as download:
        hands.press("Download")
    assert len(download.value.path().read_text().splitlines()) > 1


def see_impact(hands: Hands) -> None:
    open_segment(hands)
    hands.follow("Edit rule")
    hands.fill(find_condition(hands.page, 0).get_by_label("Value"), "40")
    expect(hands.page.locator("#impact")).to_contain_text("members")


def compare_months(hands: Hands) -> None:
    hands.click(hands.page.locator("details.period summary"))
    hands.follow("Last month")
    expect(hands.page.locator(".tile-change .change").first).to_be_visible()


def rank_things(hands: Hands) -> None:
    hands.follow("Products")
    for tab in ("Categories", "Brands"):
        hands.follow(tab)
        expect(hands.page.locator(".insight-table tbody tr").first).to_be_visible()


def open_rfm_group(hands: Hands) -> None:
    hands.follow("Audience")
    hands.follow("Champions", hands.page.locator("#groups"))
    expect(hands.page.locator("#results .total")).to_have_text(A_NUMBER)


def open_cohort(hands: Hands) -> None:
    hands.follow("Retention")
    cohorts = hands.page.locator("#cohorts")
    hands.click(cohorts.locator("summary"))
    hands.click(cohorts.locator("tbody a").first)
    expect(hands.page.locator("#results .total")).to_have_text(A_NUMBER)


def check_health(hands: Hands) -> None:
    hands.click(hands.page.locator("a.freshness"))
    expect(hands.page.locator("#pipeline-live [data-state]").first).to_be_visible()


def make_viewer(hands: Hands) -> None:
    page = hands.page
    hands.follow("Administration")
    hands.click(page.locator("a[href='/admin/auth/user/add/']").first)
    hands.click(page.locator("#id_username"))
    hands.type("vera")
    for field in ("#id_password1", "#id_password2"):
        hands.click(page.locator(field))
        hands.type("a-long-password-7")
    hands.click(page.locator("input[name='_save']"))
    expect(page.locator(".messagelist")).to_contain_text("vera")


@dataclass(frozen=True, slots=True)
class Task:
    title: str
    do: Callable[[Hands], None]


#: In this order: later tasks use the segment of the first.
TASKS = (
    Task("build (orders ≥ 2 and revenue > 500) or not seen for 30 days, save, see members", build_segment),
    Task("who left electronics in the cart last week and did not buy?", find_left_in_cart),
    Task("why is customer X in this segment?", explain_customer),
    Task("export the members", export_members),
    Task("edit the rule and see who enters and leaves", see_impact),
    Task("last month against the month before", compare_months),
    Task("top products, categories, brands", rank_things),
    Task("an RFM group and its customers", open_rfm_group),
    Task("cohort retention, and the customers of a cell", open_cohort),
    Task("is the pipeline healthy, or late?", check_health),
    Task("make a viewer", make_viewer),
)


def run(stack: Stack, scale: float) -> Outcome:
    outcome, done = Outcome("web-tasks"), 0
    prepared = prepare_site(stack, round(CUSTOMERS * scale))
    left_in_cart = count_left_in_cart(stack.state / "web-bench" / str(MAIN))
    settings = stack.settings
    with serve(stack, with_worker=True) as site, open_chromium() as browser:
        context = browser.new_context(base_url=site.url, locale="en-GB", viewport={"width": 1280, "height": 860})
        context.set_default_timeout(WAIT_MS)
        expect.set_options(timeout=WAIT_MS)
        log_in(context, site.url, settings.admin_user, settings.admin_password)
        for task in TASKS:
            page = context.new_page()
            page.goto("/", wait_until="load")
            hands = Hands(page, prepared.things.customers[0], left_in_cart)
            start = time.monotonic()
            problem = _try_task(task, hands)
            note = f"{hands.clicks} clicks, {hands.keys} keys{'; FAILED: ' + problem if problem else ''}"
            outcome.measure(task.title, time.monotonic() - start, "s", note)
            done += not problem
            page.close()
    outcome.goals.append(Goal("tasks done", done, len(TASKS)))
    return outcome


def _try_task(task: Task, hands: Hands) -> str:
    """What went wrong; empty if the task was done."""
    try:
        task.do(hands)
    except (Error, AssertionError) as error:
        return " ".join(str(error).split())[:300]
    return ""


def count_left_in_cart(folder: Path) -> int:
    """The answer to the second task, from the files."""
    did = "SELECT DISTINCT customer_id FROM events WHERE category_1 = 'electronics' AND event_type = '{}'"
    with duckdb.connect() as duck:
        duck.execute(f"CREATE VIEW events AS FROM '{folder}/interactions.parquet' WHERE day > CAST('{DAY}' AS DATE) - 7")
        query = f"SELECT count(*) FROM ({did.format('cart')} EXCEPT {did.format('purchase')})"
        (count,) = duck.execute(query).fetchone() or (0,)
    return int(count)
