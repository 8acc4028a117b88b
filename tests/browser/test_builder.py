"""A segment from the first click to its members, as a marketing person builds it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from cdp.rules import decode, matches
from cdp_web.segments.models import Segment
from cdp_web.segments.services import segment_create
from tests.cdp_web import factories

pytestmark = [pytest.mark.browser, pytest.mark.stack("postgres", "mongo")]

PEOPLE = factories.shop(400)


def expected(document: object) -> int:
    return sum(matches(decode(document), row, factories.DAY) for row in PEOPLE)


def choose(condition: Locator, words: str, title: str) -> None:
    """Picks a metric by typing what it is called."""
    condition.locator(".field-button").click()
    condition.get_by_role("combobox", name="Search metrics").fill(words)
    condition.get_by_role("option").filter(has_text=title).first.click()


def conditions(page: Page) -> Locator:
    return page.locator(".condition")


def test_segment_from_the_first_click_to_its_members(page: Page) -> None:
    page.goto("/segments/")
    page.get_by_role("link", name="New segment").first.click()
    page.get_by_label("Name", exact=True).fill("Quiet buyers")
    choose(conditions(page).nth(0), "orders", "Orders placed.")
    conditions(page).nth(0).get_by_label("Value").fill("1")
    first = factories.is_("total_purchase", "ge", 1)
    expect(page.locator("#preview-count")).to_have_text(str(expected(factories.rule(first))))

    page.get_by_role("button", name="Add group").first.click()
    choose(conditions(page).nth(1), "lifecycle", "Lifecycle")
    conditions(page).nth(1).get_by_label("Comparison").select_option("in")
    conditions(page).nth(1).get_by_label("lapsed").check()
    conditions(page).nth(1).get_by_label("at risk").check()
    page.locator(".group .group").get_by_role("button", name="Add condition").click()
    choose(conditions(page).nth(2), "views 30", "Product views, last 30 days")
    conditions(page).nth(2).get_by_label("Value").fill("5")
    conditions(page).nth(2).get_by_role("button", name="Take the opposite").click()
    quiet = {"any": [factories.is_("lifecycle", "in", ["at risk", "lapsed"]), {"not": factories.is_("views_30d", "ge", 5)}]}
    document = factories.rule(first, quiet)
    expect(page.locator("#preview-count")).to_have_text(str(expected(document)))
    expect(page.locator("#preview-state")).to_contain_text("Exact, as of 30 Nov 2019, publication #1.")
    expect(conditions(page).nth(0).locator(".node-count")).to_have_text(str(expected(factories.rule(first))))
    negated = factories.rule({"not": factories.is_("views_30d", "ge", 5)})
    expect(conditions(page).nth(2).locator(".node-count")).to_have_text(str(expected(negated)))

    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("heading", name="Quiet buyers")).to_be_visible()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    expect(page.locator("#segment-size")).to_have_text(str(expected(document)))
    expect(page.locator("#result tbody").first.locator("tr")).to_have_count(min(25, expected(document)))
    assert Segment.objects.get().rule == document


def test_what_is_wrong_stands_at_its_condition(page: Page, said: list[str]) -> None:
    page.goto("/segments/new")
    choose(conditions(page).nth(0), "product views", "Times a product was looked at.")
    conditions(page).nth(0).get_by_label("Value").fill("many")
    page.get_by_role("button", name="Add condition").click()
    choose(conditions(page).nth(1), "net revenue", "Money spent less money refunded.")
    conditions(page).nth(1).get_by_label("Value").fill("10.00")
    expect(conditions(page).nth(0).locator(".node-error")).to_contain_text("whole number")
    expect(conditions(page).nth(1).locator(".node-error")).to_be_hidden()
    conditions(page).nth(0).get_by_label("Value").fill("3")
    expect(conditions(page).nth(0).locator(".node-error")).to_be_hidden()
    expect(page.locator("#preview")).to_have_attribute("data-state", "counted")
    said.clear()  # the browser reports the 400 that was meant


def test_an_unfinished_rule_is_not_sent(page: Page) -> None:
    page.goto("/segments/new")
    page.get_by_label("Name", exact=True).fill("Nothing yet")
    page.get_by_role("button", name="Save segment").click()
    expect(conditions(page).nth(0).locator(".node-error")).to_have_text("Choose a metric.")
    expect(conditions(page).nth(0).locator(".field-button")).to_be_focused()
    assert not Segment.objects.exists()


def test_a_saved_rule_opens_as_it_was_and_duplicate_and_remove_leave_the_rest_alone(page: Page) -> None:
    document = factories.rule(
        factories.is_("total_purchase_value", "between", ["100.00", "500.00"]),
        {"not": {"any": [factories.is_("last_seen", "in_last_days", 30), factories.is_("last_order", "is_not_set")]}},
    )
    segment = segment_create(name="Old friends", rule=document)
    page.goto(f"/segments/{segment.pk}/edit")
    expect(page.locator("#preview-count")).to_have_text(str(expected(document)))
    conditions(page).nth(1).get_by_role("button", name="Duplicate this condition").click()
    expect(conditions(page)).to_have_count(4)
    conditions(page).nth(2).get_by_role("button", name="Remove this condition").click()
    expect(conditions(page)).to_have_count(3)
    expect(page.locator("#preview-count")).to_have_text(str(expected(document)))
    page.get_by_role("button", name="Save changes").click()
    expect(page).to_have_url(re.compile(rf"/segments/{segment.pk}$"))
    segment.refresh_from_db()
    assert (segment.rule, segment.version) == (document, 1)


def test_name_that_is_taken_keeps_the_rule_that_was_built(page: Page, said: list[str]) -> None:
    segment_create(name="Taken", rule=factories.rule(factories.is_("views", "ge", 1)))
    page.goto("/segments/new")
    page.get_by_label("Name", exact=True).fill("taken")
    choose(conditions(page).nth(0), "sessions", "Visits")
    conditions(page).nth(0).get_by_label("Value").fill("4")
    page.get_by_role("button", name="Save segment").click()
    expect(page.locator("#name-error")).to_contain_text("this name already exists")
    expect(conditions(page).nth(0).get_by_label("Value")).to_have_value("4")
    said.clear()  # the browser reports the 400 that was meant


def test_a_metric_is_chosen_by_keyboard_alone(page: Page) -> None:
    page.goto("/segments/new")
    button = conditions(page).nth(0).locator(".field-button")
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("largest")
    page.keyboard.press("Enter")
    expect(button).to_contain_text("Largest order")
    expect(conditions(page).nth(0).get_by_label("Value")).to_be_focused()
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox", name="Metrics")).to_have_count(0)
    expect(button).to_be_focused()
