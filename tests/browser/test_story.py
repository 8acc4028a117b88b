"""A morning with the site: from a number on the overview to its customers, a segment, its members, and what a viewer may do."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Download, Locator, Page, expect

from cdp.rules import Facts, decode, matches
from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.segments.models import Segment
from cdp_web.serving.publications import Publication
from tests.browser.conftest import store_profiles
from tests.cdp_web import factories
from tests.cdp_web.whole_shop import make_segment, make_shop, publish_shop

pytestmark = [pytest.mark.browser, pytest.mark.stack("postgres", "mongo")]

DAY = factories.DAY
ORDERS = factories.is_("total_purchase", "ge", 2)
LIFECYCLE = factories.is_("lifecycle", "eq", "active")
VIEWS, SESSIONS = factories.is_("views_30d", "ge", 1), factories.is_("sessions", "ge", 4)
#: Groups in groups, three levels deep.
NESTED = factories.rule(ORDERS, {"any": [LIFECYCLE, {"all": [VIEWS, SESSIONS]}]})
PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True}


@pytest.fixture
def shop(transactional_db: None, publish: Any, worker: None) -> Iterator[Publication]:
    """A shop whose pages agree with each other, with the profiles of all customers."""
    publication = publish_shop(publish)
    with store_profiles(publication, make_shop().customers):
        yield publication


def count_expected(document: dict[str, Any]) -> int:
    """The customers who match, by the interpreter of rules."""
    rule = decode(document)
    return sum(matches(rule, Facts(DAY, row)) for row in make_shop().customers)


def count_did(*events: str, days: int) -> int:
    """The customers who did all of these within the last days."""
    rows = [row for row in make_shop().interactions if row["day"] > DAY - timedelta(days=days)]
    return len(set.intersection(*({row["customer_id"] for row in rows if row["event_type"] == event} for event in events)))


def read_rule(page: Page) -> Any:
    """The rule in the hidden field of the builder."""
    return json.loads(page.locator("input[name=rule]").input_value())


def save(page: Page, name: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def expect_count(page: Page, expected: int) -> None:
    expect(page.locator("#preview")).to_have_attribute("data-state", "counted")
    expect(page.locator("#preview-count")).to_have_text(str(expected))


def test_a_number_leads_to_its_customers_a_segment_and_a_reason(page: Page) -> None:
    page.goto("/?period=28d")
    expect(page.locator(".summary")).to_contain_text("$")
    expected = count_did("view", "cart", days=28)
    bar = page.locator("#funnel .barlayer .point").nth(1)
    bar.hover(position={"x": 20, "y": 10}, force=True)
    bar.click(position={"x": 20, "y": 10}, force=True)
    expect(page.get_by_role("heading", name="Customers", exact=True)).to_be_visible()
    expect(page.locator(".total")).to_have_text(str(expected))
    page.get_by_role("link", name="Save as segment").click()
    expect_count(page, expected)
    save(page, "Looked and put into the cart")
    expect(page.locator("#segment-size")).to_have_text(str(expected))
    page.get_by_role("link", name="Members").click()
    member = page.locator("#members tbody tr").first.get_by_role("link").first
    customer_id = member.inner_text()
    member.click()
    expect(page.get_by_role("heading", name=customer_id)).to_be_visible()
    segments = page.get_by_role("region", name="Segments")
    expect(segments.get_by_role("link", name="Looked and put into the cart")).to_be_visible()
    segments.get_by_role("link", name="why?").click()
    expect(page.locator("#answer-title")).to_contain_text(f"{customer_id} matches the rule")


def find_conditions(page: Page) -> Locator:
    return page.locator(".condition")


def choose_metric(condition: Locator, words: str, title: str) -> None:
    condition.locator(".field-button").click()
    condition.get_by_role("combobox", name="Search metrics").fill(words)
    condition.get_by_role("option").filter(has_text=title).first.click()


def add(group: Page | Locator, kind: str) -> None:
    group.get_by_role("button", name="Add condition").last.click()
    group.get_by_role("menuitem", name=kind).click()


def test_three_levels_by_mouse_and_the_counts_follow(page: Page) -> None:
    page.goto("/segments/")
    page.get_by_role("link", name="New segment").first.click()
    conditions = find_conditions(page)
    choose_metric(conditions.nth(0), "orders", "Orders placed.")
    conditions.nth(0).get_by_label("Value").fill("2")
    expect_count(page, count_expected(factories.rule(ORDERS)))
    add(page, "Group")
    choose_metric(conditions.nth(1), "lifecycle", "Lifecycle")
    conditions.nth(1).get_by_label("Value").select_option("active")
    expect_count(page, count_expected(factories.rule(ORDERS, LIFECYCLE)))
    group = page.locator(".group .group")
    add(group, "Group")
    choose_metric(conditions.nth(2), "views 30", "Product views, last 30 days")
    conditions.nth(2).get_by_label("Value").fill("1")
    add(page.locator(".group .group .group"), "Metric")
    choose_metric(conditions.nth(3), "sessions", "Sessions")
    conditions.nth(3).get_by_label("Value").fill("4")
    expect_count(page, count_expected(NESTED))
    for place, node in enumerate((ORDERS, LIFECYCLE, VIEWS, SESSIONS)):
        expect(conditions.nth(place).locator(".node-count")).to_have_text(str(count_expected(factories.rule(node))))
    assert read_rule(page) == NESTED
    save(page, "Nested")
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    expect(page.locator("#segment-size")).to_have_text(str(count_expected(NESTED)))
    page.get_by_role("link", name="Members").click()
    expect(page.locator("#members tbody tr")).to_have_count(min(50, count_expected(NESTED)))


NAME_OF_FOCUS = """() => {
  const focused = document.activeElement;
  return focused.getAttribute("aria-label") || focused.labels?.[0]?.textContent || focused.textContent;
}"""


def tab_to(page: Page, name: str, key: str = "Tab", most: int = 60) -> None:
    """Press Tab until the control of this name has the focus."""
    for _ in range(most):
        page.keyboard.press(key)
        if str(page.evaluate(NAME_OF_FOCUS)).strip().startswith(name):
            return
    raise AssertionError(f"{most} times {key} do not reach {name!r}")


def type_metric(page: Page, words: str, value: str) -> None:
    """In a new condition, whose button has the focus."""
    page.keyboard.press("Enter")
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    page.keyboard.type(value)


def test_three_levels_by_keyboard_alone(page: Page) -> None:
    page.goto("/segments/new")
    tab_to(page, "Name")
    page.keyboard.type("By keyboard")
    tab_to(page, "Choose a metric")
    type_metric(page, "orders", "2")
    for words, value in (("lifecycle", "active"), ("product views, last 30", "1")):
        tab_to(page, "Add condition to this group")
        page.keyboard.press("Enter")
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        type_metric(page, words, value)
    tab_to(page, "Add condition to this group")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    type_metric(page, "sessions", "4")
    expect_count(page, count_expected(NESTED))
    assert read_rule(page) == NESTED
    tab_to(page, "Save segment", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="By keyboard")).to_be_visible()
    assert Segment.objects.get().rule == NESTED


def test_a_change_shows_its_impact_and_is_reverted(page: Page, shop: Publication) -> None:
    segment = make_segment(shop, "Buyers", factories.is_("total_purchase", "ge", 1))
    make_segment(shop, "Loyal", {"segment": {"id": segment.pk}}, factories.is_("sessions", "ge", 3))
    before, after = count_expected(segment.rule), count_expected(factories.rule(ORDERS))
    assert before > after
    page.goto(f"/segments/{segment.pk}")
    page.get_by_role("link", name="Edit rule").click()
    find_conditions(page).nth(0).get_by_label("Value").fill("2")
    expect(page.locator("#impact")).to_contain_text(f"{before} → {after} members")
    expect(page.locator(".impact-leave dd")).to_have_text(f"−{before - after}")
    expect(page.locator("#impact")).to_contain_text("Also changes: Loyal")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator("#segment-size")).to_have_text(str(after))
    page.get_by_role("link", name="Rule", exact=True).click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revert 1").click()
    expect(page.locator("#segment-size")).to_have_text(str(before))
    segment.refresh_from_db()
    assert (segment.version, segment.rule) == (3, factories.rule(factories.is_("total_purchase", "ge", 1)))


def read_csv(download: Download) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(download.path().read_text(encoding="utf-8-sig"))))


def test_the_exported_file_has_the_members_of_the_api(page: Page, shop: Publication) -> None:
    segment = make_segment(shop, "Buyers", factories.is_("total_purchase", "ge", 1))
    page.goto(f"/segments/{segment.pk}/export")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    rows = read_csv(download.value)
    members: list[dict[str, Any]] = []
    address: str | None = f"/api/v1/segments/{segment.pk}/members?limit=100"
    while address is not None:
        answer = page.context.request.get(address).json()
        members += answer["members"]
        address = answer["next"] and f"/api/v1/segments/{segment.pk}/members?limit=100&after={answer['next']}"
    assert [row["customer_id"] for row in rows] == [member["customer_id"] for member in members]
    assert len(members) == count_expected(segment.rule)
    orders = {row["customer_id"]: str(row["total_purchase"]) for row in make_shop().customers}
    assert [row["total_purchase"] for row in rows] == [orders[row["customer_id"]] for row in rows]


def test_a_viewer_reads_and_changes_nothing(page: Page, shop: Publication, browser_messages: list[str]) -> None:
    segment = make_segment(shop, "Buyers", factories.is_("total_purchase", "ge", 1))
    user_set_role(user=User.objects.get(username="alice"), role=Role.VIEWER)
    page.goto("/segments/")
    expect(page.get_by_role("link", name="Buyers")).to_be_visible()
    expect(page.get_by_role("link", name="New segment")).to_have_count(0)
    page.get_by_role("link", name="Buyers").click()
    expect(page.locator("#segment-size")).to_have_text(str(count_expected(segment.rule)))
    for button in ("Edit rule", "Recompute", "Archive"):
        expect(page.get_by_text(button, exact=True)).to_have_count(0)
    page.goto(f"/segments/{segment.pk}/edit")
    expect(page.get_by_text("This needs the role analyst.")).to_be_visible()
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"].endswith("csrf"))
    headers = {"X-CSRFToken": token, "Referer": page.url}
    request = page.context.request
    body = {"name": "Mine", "rule": NESTED, "version": 1, "revision": 1}
    assert request.put(f"/api/v1/segments/{segment.pk}", data=body, headers=headers).status == 403
    assert request.post(f"/segments/{segment.pk}/archive", headers=headers).status == 403
    assert request.get(f"/segments/{segment.pk}/export/file").status == 403
    segment.refresh_from_db()
    assert (segment.name, segment.archived_at) == ("Buyers", None)
    browser_messages.clear()  # the browser reports the expected status 403


@dataclass(frozen=True, slots=True)
class Look:
    language: str
    pixels_too_wide: int
    is_dark: bool


LOOK_AT = """() => ({
  language: document.documentElement.lang,
  pixels_too_wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  is_dark: Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]) < 60,
})"""


def look_at(page: Page, address: str) -> Look:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return Look(**page.evaluate(LOOK_AT))


@pytest.mark.parametrize("visitor", [{"color_scheme": "dark", **PHONE}], indirect=True)
def test_every_chapter_in_vietnamese_in_the_dark_on_a_phone(visitor: BrowserContext, page: Page, shop: Publication) -> None:
    segment = make_segment(shop, "Buyers", factories.is_("total_purchase", "ge", 1))
    customer_id = max(make_shop().customers, key=lambda row: row["total_purchase_value"])["customer_id"]
    page.goto("/")
    page.get_by_role("button", name="Tiếng Việt").click()
    reports = [f"/insights/{name}" for name in ("products", "audience", "retention")]
    tabs = [f"/segments/{segment.pk}{tab}" for tab in ("", "/members", "/movement", "/rule", "/edit", "/export")]
    pages = [
        "/",
        *reports,
        "/customers/",
        f"/customers/{customer_id}",
        "/segments/",
        *tabs,
        "/pipeline/",
        "/nights/",
        "/accounts/",
    ]
    seen = {address: look_at(page, address) for address in (*pages, f"/segments/{segment.pk}/explain?customer={customer_id}")}
    assert {address: look for address, look in seen.items() if look != Look("vi", 0, True)} == {}
