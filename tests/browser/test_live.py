"""The live page renews itself: a number changes without a reload, and an outage is named."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, expect

from cdp.mart.live import MINUTE
from tests.cdp_web.factories import live_batch, mart_row

pytestmark = [pytest.mark.browser, pytest.mark.stack("postgres", "mongo")]


def test_numbers_change_without_a_reload(page: Page, browser_messages: list[str]) -> None:
    minute = timezone.now().replace(second=0, microsecond=0)
    mart_row(MINUTE, minute=minute - timedelta(minutes=2), orders=1, gross=Decimal("5.00"))
    live_batch()
    page.goto("/live/")
    # By its height, because the place of a minute changes when the next one begins.
    revenue, bar = page.locator('[data-key="hour"] .tile-value'), page.locator(".live-bar:not([height='0.00%'])")
    expect(revenue).to_have_text("$5.00")
    height = bar.get_attribute("height")
    first = bar.element_handle()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {MINUTE.full_name} SET gross = 12")
    live_batch(2)
    expect(revenue).to_have_text("$12.00")
    assert first.evaluate("bar => bar.isConnected")
    assert first.get_attribute("height") != height

    page.route("**/live/content", lambda route: route.fulfill(status=503))
    trouble = page.locator("#live-trouble")
    expect(trouble).to_be_visible()
    expect(trouble).to_contain_text("4")  # seconds until the next attempt
    page.unroute("**/live/content")
    expect(trouble).to_be_hidden()
    assert {"503" in message for message in browser_messages} == {True}
    browser_messages.clear()
