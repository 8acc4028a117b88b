"""A segment from the first click to its members, as a marketer builds it."""

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


def count_expected(document: object) -> int:
    return sum(matches(decode(document), row, factories.DAY) for row in PEOPLE)


def choose_metric(condition: Locator, words: str, title: str) -> None:
    """Choose a metric by typing its name."""
    condition.locator(".field-button").click()
    condition.get_by_role("combobox", name="Search metrics").fill(words)
    condition.get_by_role("option").filter(has_text=title).first.click()


def find_conditions(page: Page) -> Locator:
    return page.locator(".condition")


def test_segment_from_the_first_click_to_its_members(page: Page) -> None:
    page.goto("/segments/")
    page.get_by_role("link", name="New segment").first.click()
    page.get_by_label("Name", exact=True).fill("Quiet buyers")
    choose_metric(find_conditions(page).nth(0), "orders", "Orders placed.")
    find_conditions(page).nth(0).get_by_label("Value").fill("1")
    first = factories.is_("total_purchase", "ge", 1)
    expect(page.locator("#preview-count")).to_have_text(str(count_expected(factories.rule(first))))

    page.get_by_role("button", name="Add group").first.click()
    choose_metric(find_conditions(page).nth(1), "lifecycle", "Lifecycle")
    find_conditions(page).nth(1).get_by_label("Comparison").select_option("in")
    find_conditions(page).nth(1).get_by_label("lapsed").check()
    find_conditions(page).nth(1).get_by_label("at risk").check()
    page.locator(".group .group").get_by_role("button", name="Add condition").click()
    choose_metric(find_conditions(page).nth(2), "views 30", "Product views, last 30 days")
    find_conditions(page).nth(2).get_by_label("Value").fill("5")
    find_conditions(page).nth(2).get_by_role("button", name="Take the opposite").click()
    quiet = {"any": [factories.is_("lifecycle", "in", ["at risk", "lapsed"]), {"not": factories.is_("views_30d", "ge", 5)}]}
    document = factories.rule(first, quiet)
    expect(page.locator("#preview-count")).to_have_text(str(count_expected(document)))
    expect(page.locator("#preview-state")).to_contain_text("Exact, as of 30 Nov 2019, publication #1.")
    expect(find_conditions(page).nth(0).locator(".node-count")).to_have_text(str(count_expected(factories.rule(first))))
    negated = factories.rule({"not": factories.is_("views_30d", "ge", 5)})
    expect(find_conditions(page).nth(2).locator(".node-count")).to_have_text(str(count_expected(negated)))

    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("heading", name="Quiet buyers")).to_be_visible()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    expect(page.locator("#segment-size")).to_have_text(str(count_expected(document)))
    expect(page.locator("#result tbody").first.locator("tr")).to_have_count(min(25, count_expected(document)))
    assert Segment.objects.get().rule == document


def test_a_problem_is_shown_at_its_condition(page: Page, browser_messages: list[str]) -> None:
    page.goto("/segments/new")
    choose_metric(find_conditions(page).nth(0), "product views", "Times a product was looked at.")
    find_conditions(page).nth(0).get_by_label("Value").fill("many")
    page.get_by_role("button", name="Add condition").click()
    choose_metric(find_conditions(page).nth(1), "net revenue", "Money spent less money refunded.")
    find_conditions(page).nth(1).get_by_label("Value").fill("10.00")
    expect(find_conditions(page).nth(0).locator(".node-error")).to_contain_text("whole number")
    expect(find_conditions(page).nth(1).locator(".node-error")).to_be_hidden()
    find_conditions(page).nth(0).get_by_label("Value").fill("3")
    expect(find_conditions(page).nth(0).locator(".node-error")).to_be_hidden()
    expect(page.locator("#preview")).to_have_attribute("data-state", "counted")
    browser_messages.clear()  # the browser reports the expected status 400


def test_an_unfinished_rule_is_not_sent(page: Page) -> None:
    page.goto("/segments/new")
    page.get_by_label("Name", exact=True).fill("Nothing yet")
    page.get_by_role("button", name="Save segment").click()
    expect(find_conditions(page).nth(0).locator(".node-error")).to_have_text("Choose a metric.")
    expect(find_conditions(page).nth(0).locator(".field-button")).to_be_focused()
    assert not Segment.objects.exists()


def test_a_saved_rule_opens_unchanged_and_duplicate_and_remove_change_nothing_else(page: Page) -> None:
    document = factories.rule(
        factories.is_("total_purchase_value", "between", ["100.00", "500.00"]),
        {"not": {"any": [factories.is_("last_seen", "in_last_days", 30), factories.is_("last_order", "is_not_set")]}},
    )
    segment = segment_create(name="Old friends", rule=document)
    page.goto(f"/segments/{segment.pk}/edit")
    expect(page.locator("#preview-count")).to_have_text(str(count_expected(document)))
    find_conditions(page).nth(1).get_by_role("button", name="Duplicate this condition").click()
    expect(find_conditions(page)).to_have_count(4)
    find_conditions(page).nth(2).get_by_role("button", name="Remove this condition").click()
    expect(find_conditions(page)).to_have_count(3)
    expect(page.locator("#preview-count")).to_have_text(str(count_expected(document)))
    page.get_by_role("button", name="Save changes").click()
    expect(page).to_have_url(re.compile(rf"/segments/{segment.pk}$"))
    segment.refresh_from_db()
    assert (segment.rule, segment.version) == (document, 1)


def test_a_duplicate_name_keeps_the_rule(page: Page, browser_messages: list[str]) -> None:
    segment_create(name="Taken", rule=factories.rule(factories.is_("views", "ge", 1)))
    page.goto("/segments/new")
    page.get_by_label("Name", exact=True).fill("taken")
    choose_metric(find_conditions(page).nth(0), "sessions", "Visits")
    find_conditions(page).nth(0).get_by_label("Value").fill("4")
    page.get_by_role("button", name="Save segment").click()
    expect(page.locator("#name-error")).to_contain_text("this name already exists")
    expect(find_conditions(page).nth(0).get_by_label("Value")).to_have_value("4")
    browser_messages.clear()  # the browser reports the expected status 400


def test_a_metric_is_chosen_by_keyboard_alone(page: Page) -> None:
    page.goto("/segments/new")
    button = find_conditions(page).nth(0).locator(".field-button")
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("largest")
    page.keyboard.press("Enter")
    expect(button).to_contain_text("Largest order")
    expect(find_conditions(page).nth(0).get_by_label("Value")).to_be_focused()
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox", name="Metrics")).to_have_count(0)
    expect(button).to_be_focused()
