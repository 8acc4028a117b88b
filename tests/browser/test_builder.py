"""A segment from the first click to its members, as a marketer builds it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from cdp.rules import Facts, decode, matches
from cdp_web.segments.models import Segment
from cdp_web.segments.services import segment_create
from tests.cdp_web import factories
from tests.cdp_web.fixtures import Recommend

pytestmark = [pytest.mark.browser, pytest.mark.stack("postgres", "mongo")]

PEOPLE = factories.shop(400)


def count_expected(document: object) -> int:
    return sum(matches(decode(document), Facts(factories.DAY, row)) for row in PEOPLE)


def choose_metric(condition: Locator, words: str, title: str) -> None:
    """Choose a metric by typing its name."""
    condition.locator(".field-button").click()
    condition.get_by_role("combobox", name="Search metrics").fill(words)
    condition.get_by_role("option").filter(has_text=title).first.click()


def open_rule(page: Page, *nodes: dict[str, Any]) -> None:
    """The builder with a rule in its address."""
    page.goto("/segments/new?" + urlencode({"rule": json.dumps(factories.rule(*nodes))}))
    expect(find_conditions(page).first).to_be_visible()


def find_conditions(page: Page) -> Locator:
    return page.locator(".condition")


def add(place: Page | Locator, kind: str) -> None:
    """Add a condition of a kind to the first group of the place."""
    place.get_by_role("button", name="Add condition").last.click()
    place.get_by_role("menuitem", name=kind).click()


def read_document(page: Page) -> dict[str, Any]:
    """The rule in the hidden field of the form."""
    document: dict[str, Any] = json.loads(page.locator("input[name=rule]").input_value())
    return document


def forget_refused_requests(browser_messages: list[str]) -> None:
    """This shop publishes no events, so counts and suggestions may be refused; errors of scripts stay."""
    browser_messages[:] = [text for text in browser_messages if not text.startswith("Failed to load resource")]


def fill_filter(place: Locator, category: str) -> None:
    """Add the filter "category is …" to a step."""
    place.get_by_role("button", name="Add filter").click()
    place.get_by_label("Value", exact=True).fill(category)


def test_segment_from_the_first_click_to_its_members(page: Page) -> None:
    page.goto("/segments/")
    page.get_by_role("link", name="New segment").first.click()
    page.get_by_label("Name", exact=True).fill("Quiet buyers")
    choose_metric(find_conditions(page).nth(0), "orders", "Orders placed.")
    find_conditions(page).nth(0).get_by_label("Value").fill("1")
    first = factories.is_("total_purchase", "ge", 1)
    expect(page.locator("#preview-count")).to_have_text(str(count_expected(factories.rule(first))))

    add(page, "Group")
    choose_metric(find_conditions(page).nth(1), "lifecycle", "Lifecycle")
    find_conditions(page).nth(1).get_by_label("Comparison").select_option("in")
    find_conditions(page).nth(1).get_by_label("lapsed").check()
    find_conditions(page).nth(1).get_by_label("at risk").check()
    add(page.locator(".group .group"), "Metric")
    choose_metric(find_conditions(page).nth(2), "views 30", "Product views, last 30 days")
    find_conditions(page).nth(2).get_by_label("Value").fill("5")
    find_conditions(page).nth(2).get_by_role("button", name="Take the opposite").click()
    quiet = {"any": [factories.is_("lifecycle", "in", ["at risk", "lapsed"]), {"not": factories.is_("views_30d", "ge", 5)}]}
    document = factories.rule(first, quiet)
    expect(page.locator("#preview-count")).to_have_text(str(count_expected(document)))
    expect(page.locator("#preview-state")).to_contain_text("Exact, as of 30 Nov 2019.")
    expect(find_conditions(page).nth(0).locator(".node-count")).to_have_text(str(count_expected(factories.rule(first))))
    negated = factories.rule({"not": factories.is_("views_30d", "ge", 5)})
    expect(find_conditions(page).nth(2).locator(".node-count")).to_have_text(str(count_expected(negated)))

    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("heading", name="Quiet buyers")).to_be_visible()
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    expect(page.locator("#segment-size")).to_have_text(str(count_expected(document)))
    page.get_by_role("link", name="Members").click()
    expect(page.locator("#members tbody tr")).to_have_count(min(50, count_expected(document)))
    assert Segment.objects.get().rule == document


def test_a_list_is_uploaded_and_used_in_a_rule(page: Page) -> None:
    page.goto("/segments/new")
    add(page, "List")
    page.get_by_role("link", name="Upload a list").click()
    page.get_by_label("Name").fill("Guests")
    guests = "\n".join(person["customer_id"] for person in PEOPLE[:7])
    page.get_by_label("File").set_input_files({"name": "guests.csv", "mimeType": "text/csv", "buffer": guests.encode()})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Guests")).to_be_visible()
    page.goto("/segments/new")  # the condition is back from the draft
    find_conditions(page).nth(0).get_by_role("button", name="Remove this condition").click()
    page.get_by_label("List", exact=True).select_option(label="Guests (7)")
    expect(page.locator("#preview-count")).to_have_text("7")
    page.get_by_label("Name", exact=True).fill("Invited ones")
    page.get_by_role("button", name="Save segment").click()
    expect(page.locator("#segment-size")).to_have_text("7")


def test_a_problem_is_shown_at_its_condition(page: Page, browser_messages: list[str]) -> None:
    page.goto("/segments/new")
    choose_metric(find_conditions(page).nth(0), "product views", "Times a product was looked at.")
    find_conditions(page).nth(0).get_by_label("Value").fill("many")
    add(page, "Metric")
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


IN_ELECTRONICS = [{"field": "category_1", "operator": "eq", "value": "electronics"}]


def test_left_in_the_cart_and_not_bought_since(page: Page, browser_messages: list[str]) -> None:
    other = segment_create(name="Big spenders", rule=factories.rule(factories.is_("total_purchase_value", "ge", "500.00")))
    cart: dict[str, Any] = {"event": "cart", "where": IN_ELECTRONICS}
    bought: dict[str, Any] = {"event": "purchase", "where": IN_ELECTRONICS}
    steps = {"first": cart, "then": bought, "follows": True, "within_days": 7, "window": {"last_days": 7}}
    did_cart = {"behaviour": {**cart, "measure": "events", "operator": "ge", "value": 1, "window": {"last_days": 7}}}
    document = factories.rule(did_cart, {"not": {"sequence": steps}}, {"not": {"segment": {"id": other.pk}}})

    page.goto("/segments/new")
    page.get_by_label("Name", exact=True).fill("Electronics in the cart")
    find_conditions(page).nth(0).get_by_role("button", name="Remove this condition").click()
    add(page, "Behaviour")
    behaviour = find_conditions(page).nth(0)
    behaviour.get_by_label("Event").select_option("cart")
    behaviour.get_by_label("Number of days").fill("7")
    fill_filter(behaviour, "electronics")
    add(page, "Sequence")
    sequence = find_conditions(page).nth(1)
    sequence.get_by_label("Number of days").fill("7")
    fill_filter(sequence.get_by_role("group", name="Filters of the first step"), "electronics")
    fill_filter(sequence.get_by_role("group", name="Second step"), "electronics")
    sequence.get_by_role("button", name="Take the opposite").click()
    add(page, "Segment")
    segment = find_conditions(page).nth(2)
    segment.get_by_role("button", name="Choose a segment").click()
    segment.get_by_role("combobox", name="Search segments").fill("spend")
    segment.get_by_role("option", name="Big spenders").click()
    segment.get_by_label("Is or is not in").select_option("is_not")
    assert read_document(page) == document

    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("heading", name="Electronics in the cart")).to_be_visible()
    saved = Segment.objects.get(name="Electronics in the cart")
    assert saved.rule == document
    page.goto(f"/segments/{saved.pk}/edit")
    expect(behaviour.get_by_label("Did or did not")).to_have_value("did")
    expect(behaviour.get_by_label("Event")).to_have_value("cart")
    expect(behaviour.get_by_label("Days that count")).to_have_value("last_days")
    expect(behaviour.get_by_label("Value", exact=True)).to_have_value("electronics")
    expect(sequence.get_by_role("button", name="Take the opposite: on")).to_be_visible()
    expect(sequence.get_by_label("Days between the steps")).to_have_value("7")
    expect(sequence.get_by_label("Did or did not")).to_have_value("true")
    expect(segment.get_by_label("Is or is not in")).to_have_value("is_not")
    expect(segment.get_by_role("button", name="Segment: Big spenders")).to_be_visible()
    assert read_document(page) == document
    segment.get_by_role("button", name="Segment: Big spenders").click()
    expect(segment.get_by_role("listbox").get_by_role("option")).to_have_count(1)  # the segment itself is not offered
    forget_refused_requests(browser_messages)


def test_a_measure_with_several_values_opens_with_the_same_controls(page: Page, browser_messages: list[str]) -> None:
    money = {
        "event": "purchase",
        "where": [
            {"field": "brand", "operator": "in", "value": ["acme", "zenith, ltd"]},
            {"field": "weekday", "operator": "eq", "value": 6},
        ],
        "measure": "money",
        "operator": "between",
        "value": ["10.00", "99.90"],
        "window": {"between": ["2019-10-01", "2019-10-31"]},
    }
    document = factories.rule({"behaviour": money})
    segment = segment_create(name="October", rule=document)
    page.goto(f"/segments/{segment.pk}/edit")
    behaviour = find_conditions(page).nth(0)
    expect(behaviour.get_by_label("Measure")).to_have_value("money")
    expect(behaviour.get_by_label("To", exact=True)).to_have_value("2019-10-31")
    expect(behaviour.locator(".chip")).to_have_text(["acme", "zenith, ltd"])
    expect(behaviour.get_by_label("Value", exact=True)).to_have_value("6")
    assert read_document(page) == document
    behaviour.get_by_role("button", name="Remove acme").click()
    behaviour.get_by_label("Add a value").fill("nova")
    behaviour.get_by_label("Add a value").press("Enter")
    money["where"][0]["value"] = ["zenith, ltd", "nova"]  # type: ignore[index]
    assert read_document(page) == document
    behaviour.get_by_label("Event").select_option("view")
    expect(behaviour.get_by_label("Measure")).to_have_value("events")
    assert "money" not in behaviour.get_by_label("Measure").locator("option").evaluate_all("all => all.map(each => each.value)")
    forget_refused_requests(browser_messages)


def test_a_gap_is_shown_at_its_control(page: Page) -> None:
    page.goto("/segments/new")
    page.get_by_label("Name", exact=True).fill("Half done")
    add(page, "Behaviour")
    find_conditions(page).nth(0).get_by_role("button", name="Remove this condition").click()
    behaviour = find_conditions(page).nth(0)
    behaviour.get_by_role("button", name="Add filter").click()
    page.get_by_role("button", name="Save segment").click()
    value = behaviour.get_by_label("Value", exact=True)
    expect(value).to_have_attribute("aria-invalid", "true")
    expect(value).to_be_focused()
    expect(behaviour.locator(".node-error")).to_have_text("Enter a value.")
    assert not Segment.objects.exists()


def test_a_kind_of_condition_is_chosen_by_keyboard_alone(page: Page) -> None:
    page.goto("/segments/new")
    button = page.get_by_role("button", name="Add condition")
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(find_conditions(page).nth(1).get_by_label("Did or did not")).to_be_focused()


VIEWS, ORDERS, SESSIONS = (factories.is_(field, "ge", 2) for field in ("views", "total_purchase", "sessions"))


def test_undo_and_redo(page: Page) -> None:
    open_rule(page, VIEWS, ORDERS)
    value = find_conditions(page).nth(0).get_by_label("Value")
    value.press_sequentially("50")
    find_conditions(page).nth(1).get_by_role("button", name="Remove this condition").click()
    expect(find_conditions(page)).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(find_conditions(page)).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(value).to_have_value("2")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    page.get_by_role("button", name="Redo").click()
    value.press("Control+Shift+Z")
    expect(find_conditions(page)).to_have_count(1)
    assert read_document(page)["rule"]["all"][0]["metric"]["value"] in (250, 502)


def test_conditions_are_moved_by_keyboard(page: Page) -> None:
    open_rule(page, VIEWS, {"any": [ORDERS, SESSIONS]})
    handle = find_conditions(page).nth(0).get_by_role("button", name="Move", exact=True)
    handle.focus()
    page.keyboard.press("Alt+ArrowRight")
    assert read_document(page) == factories.rule({"any": [VIEWS, ORDERS, SESSIONS]})
    page.keyboard.press("Alt+ArrowDown")
    assert read_document(page) == factories.rule({"any": [ORDERS, VIEWS, SESSIONS]})
    page.keyboard.press("Alt+ArrowLeft")
    assert read_document(page) == factories.rule({"any": [ORDERS, SESSIONS]}, VIEWS)
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Move up").click()
    assert read_document(page) == factories.rule(VIEWS, {"any": [ORDERS, SESSIONS]})


def test_conditions_are_moved_by_mouse(page: Page) -> None:
    open_rule(page, VIEWS, {"any": [ORDERS, SESSIONS]})
    find_conditions(page).nth(0).get_by_role("button", name="Move", exact=True).hover()
    page.mouse.down()
    box = find_conditions(page).nth(2).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 4, steps=8)
    expect(page.locator(".drop-line")).to_be_visible()
    page.mouse.up()
    assert read_document(page) == factories.rule({"any": [ORDERS, VIEWS, SESSIONS]})


def test_a_rule_is_pasted_as_json(page: Page, browser_messages: list[str]) -> None:
    open_rule(page, VIEWS)
    page.get_by_role("tab", name="JSON").click()
    text = page.get_by_label("Edit the rule here")
    expect(text).to_have_value(re.compile('"views"'))
    text.fill(json.dumps(factories.rule(factories.is_("views", "ge", "many"))))
    page.get_by_role("button", name="Use this rule").click()
    expect(page.locator("#rule-json-errors code")).to_have_text("rule.all[0].metric.value")
    text.fill(json.dumps(factories.rule(ORDERS, SESSIONS)))
    page.get_by_role("button", name="Use this rule").click()
    expect(find_conditions(page)).to_have_count(2)
    assert read_document(page) == factories.rule(ORDERS, SESSIONS)
    browser_messages.clear()  # the browser reports the expected status 400


def test_a_draft_survives_a_reload_and_a_login(page: Page, browser_messages: list[str]) -> None:
    open_rule(page, VIEWS)
    page.get_by_label("Name", exact=True).fill("Half done")
    find_conditions(page).nth(0).get_by_label("Value").fill("7")
    page.reload()
    expect(page.locator("#draft")).to_contain_text("are back")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Half done")
    page.context.clear_cookies()
    find_conditions(page).nth(0).get_by_label("Value").fill("8")
    page.get_by_role("link", name="Log in again").click()
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("alice-password")
    page.get_by_role("button", name="Log in").click()
    expect(find_conditions(page).nth(0).get_by_label("Value")).to_have_value("8")
    page.get_by_role("button", name="Save segment").click()
    expect(page.locator("#segment-size")).to_be_visible()
    open_rule(page, VIEWS)
    expect(page.locator("#draft")).to_be_empty()
    browser_messages.clear()  # the browser reports the expected status 401


def test_numbers_are_typed_as_people_write_them(page: Page) -> None:
    open_rule(page, factories.is_("total_purchase_value", "ge", "1.00"), factories.is_("abandonment_rate", "ge", "0.50"))
    money, share = (find_conditions(page).nth(place).get_by_label("Value") for place in (0, 1))
    expect(share).to_have_value("50")
    money.fill("$1,000.50")
    share.fill("12.5")
    values = [node["metric"]["value"] for node in read_document(page)["rule"]["all"]]
    assert values == ["1000.50", "0.125"]


PHONE = pytest.mark.parametrize("visitor", [{"viewport": {"width": 360, "height": 740}, "has_touch": True}], indirect=True)


@PHONE
def test_a_metric_is_chosen_on_a_phone(page: Page) -> None:
    page.goto("/segments/new")
    find_conditions(page).nth(0).locator(".field-button").tap()
    search = page.get_by_role("combobox", name="Search metrics")
    search.fill("orders")
    options = page.get_by_role("listbox", name="Metrics").get_by_role("option")
    expect(options.first.locator(".field-title")).to_have_text("Orders")
    box = options.first.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    options.first.tap()
    expect(find_conditions(page).nth(0).locator(".field-button")).to_have_text("Orders")


def test_a_recommended_category_is_suggested_by_name(page: Page, recommend: Recommend) -> None:
    lists = {row["customer_id"]: [("p1", "electronics.audio"), ("p2", None)] for row in PEOPLE[:30]}
    recommend(lists)
    factories.shop_names(products={"p1": "Ear 1"}, categories={"electronics": "Electronics", "electronics.audio": "Audio"})
    page.goto("/segments/new")
    add(page, "Recommendation")
    page.get_by_role("button", name="Remove this condition").first.click()
    condition = find_conditions(page).first
    condition.get_by_label("What is recommended").select_option("top_category")
    condition.get_by_label("Add a value").press_sequentially("audio")
    condition.get_by_role("option", name="Electronics › Audio").click()
    expect(page.locator("#preview-count")).to_have_text("30")
    condition.get_by_label("Number of places").fill("3")
    condition.get_by_label("Is or is not recommended").select_option("is_not")
    expect(page.locator("#preview-count")).to_have_text(str(len(PEOPLE) - 30))
    leaf = {"recommended": {"what": "top_category", "values": ["electronics.audio"], "places": 3}}
    assert read_document(page) == factories.rule({"not": leaf})
