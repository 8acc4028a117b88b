"""axe over the site's own pages, in light and dark, on a desk and on a phone: nothing serious or critical. Swagger's page and
Django's administration are not ours and are left out."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.accounts.tokens import token_create
from cdp_web.segments.lists import list_create
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from cdp_web.segments.uploads import read_items
from cdp_web.serving.publications import Publication
from tests.cdp_web import factories
from tests.cdp_web.recommend import rows

pytestmark = [pytest.mark.browser, pytest.mark.stack("postgres", "mongo")]

DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=360, height=740)
Screens = tuple[tuple[Literal["light", "dark"], ViewportSize], ...]
#: Each theme and each size once.
SCREENS: Screens = (("light", DESK), ("dark", PHONE))
OTHER_SCREENS: Screens = (("dark", DESK), ("light", PHONE))
on_screens = pytest.mark.parametrize(
    "screens", [SCREENS, pytest.param(OTHER_SCREENS, marks=pytest.mark.slow)], ids=["light desk, dark phone", "others"]
)
SERIOUS = ("serious", "critical")
CUSTOMER = factories.shop(1)[0]["customer_id"]


def list_addresses(publication: Publication, marketer: User) -> list[str]:
    """Every page of the navigation, and the pages behind them with something to show."""
    user_set_role(user=marketer, role=Role.ADMIN)
    token_create(user=marketer, name="Nightly export", days=30)
    segment = segment_create(name="Buyers", rule=factories.rule(factories.is_("total_purchase", "ge", 1)))
    segment_run_now(segment=segment, publication=publication)
    guests = list_create(name="Guests", upload=read_items([CUSTOMER, "stranger"]))
    factories.night_run(1, state="failed", checks=[factories.check("volume", "failed")], step="gate", reason="volume: too few")
    own = [f"/segments/{segment.pk}{page}" for page in ("", "/edit", "/versions", "/history", "/explain", "/export")]
    insights = [f"/insights/{page}" for page in ("products", "audience", "retention")]
    lists = ["/segments/lists", "/segments/lists/new", f"/segments/lists/{guests.pk}"]
    more = ["/segments/webhooks", "/segments/overlap", "/pipeline/", "/nights/1", "/accounts/", "/accounts/password", "/nowhere"]
    insights += rows.fill(timezone.now())
    return ["/", *insights, "/customers/", f"/customers/{CUSTOMER}", "/segments/", "/segments/new", *own, *lists, *more]


def list_violations(page: Page) -> list[str]:
    """Each serious violation with the first elements that it concerns."""
    serious = [each for each in Axe().run(page).response["violations"] if each["impact"] in SERIOUS]
    return [f"{each['id']}: {[node['target'] for node in each['nodes'][:3]]}" for each in serious]


def look_at(page: Page, address: str, screens: Screens) -> list[str]:
    """The violations of a page on these screens. It is loaded once: a reader may also turn the phone or change the theme."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    lines = []
    for scheme, size in screens:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        lines += [f"{address} {scheme} {size['width']}: {each}" for each in list_violations(page)]
    return lines


@on_screens
def test_pages(visitor: BrowserContext, shop: Publication, marketer: User, screens: Screens) -> None:
    page = visitor.new_page()
    violations = [each for address in list_addresses(shop, marketer) for each in look_at(page, address, screens)]
    assert not violations, "\n".join(violations)


@on_screens
def test_login(chromium: Browser, live_server: Any, screens: Screens) -> None:
    page = chromium.new_page(base_url=live_server.url)
    violations = look_at(page, "/accounts/login", screens)
    page.close()
    assert not violations, "\n".join(violations)
