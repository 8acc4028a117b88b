"""Every page in light and dark, on desktop and phone: no browser errors, nothing wider than the screen."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from cdp_web.segments.lists import list_create
from cdp_web.segments.services import segment_create
from cdp_web.segments.uploads import read_items
from tests.cdp_web import factories
from tests.cdp_web.recommend import rows

pytestmark = [pytest.mark.browser, pytest.mark.stack("postgres", "mongo")]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
#: Each theme and each size once, and the others.
SCREENS = [
    pytest.param({"color_scheme": "light"}, id="light desk"),
    pytest.param({"color_scheme": "dark", **PHONE}, id="dark phone"),
    pytest.param({"color_scheme": "dark"}, id="dark desk", marks=pytest.mark.slow),
    pytest.param({"color_scheme": "light", **PHONE}, id="light phone", marks=pytest.mark.slow),
]
CUSTOMER = factories.shop(1)[0]["customer_id"]


@pytest.mark.parametrize("visitor", SCREENS, indirect=True)
def test_every_page_fits_the_screen(visitor: BrowserContext, page: Page) -> None:
    segment = segment_create(name="Buyers", rule=factories.rule(factories.is_("total_purchase", "ge", 1)))
    guests = list_create(name="Guests", upload=read_items([CUSTOMER, "stranger", "x" * 501]))
    failed = [factories.check("volume", "failed", "412 events, usual on a Saturday are 5,100"), factories.check("money")]
    factories.night_run(1, state="failed", checks=failed, step="gate", reason="volume: 412 events, usual are 5,100")
    addresses = [
        "/nights/",
        "/nights/1",
        "/",
        "/live/",
        "/?period=7d",
        "/customers/",
        f"/customers/{CUSTOMER}",
        "/customer-views/",
        "/segments/",
        f"/segments/{segment.pk}",
    ]
    addresses += [f"/segments/{segment.pk}/edit", "/segments/new", "/segments/?archived=1", "/accounts/", "/api/docs"]
    addresses += rows.fill(timezone.now())
    addresses += ["/segments/lists", "/segments/lists/new", f"/segments/lists/{guests.pk}"]
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{address} is {wide} pixels wider than the screen"


def test_chart_is_drawn_and_follows_the_theme(page: Page) -> None:
    page.goto("/")
    bars = page.locator("#trend .barlayer path")
    expect(bars).to_have_count(28)
    before = bars.first.evaluate("bar => getComputedStyle(bar).fill")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert bars.first.evaluate("bar => getComputedStyle(bar).fill") != before
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_search_updates_the_list_without_a_new_page(page: Page) -> None:
    page.goto("/customers/")
    page.get_by_label("Search by id").fill(CUSTOMER)
    expect(page.locator("#results tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(f"q={CUSTOMER}"))
    page.get_by_role("link", name=CUSTOMER).click()
    expect(page.get_by_role("heading", name="Recent events")).to_be_visible()
    event_count = page.locator(".timeline .moment").count()
    expect(page.get_by_text(f"Newest first, {event_count} shown, times in UTC")).to_be_visible()


def test_first_tab_skips_the_navigation(page: Page) -> None:
    page.goto("/segments/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
