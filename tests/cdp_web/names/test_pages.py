"""Names on every page, in the API and in files: who sees those of customers, and that no name is taken for HTML."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from cdp.mart.charts import CATEGORY_DAY, PRODUCT_DAY
from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.api import customers as api_customers
from cdp_web.customers import customer_page
from cdp_web.customers.profiles import parse_profile
from cdp_web.segments.lists import list_create
from cdp_web.segments.runs import segment_run_execute
from cdp_web.segments.services import segment_create
from cdp_web.segments.uploads import read_items
from tests.cdp_web import factories
from tests.cdp_web.accounts.routes import ROUTES
from tests.cdp_web.accounts.test_routes import OWN
from tests.cdp_web.factories import DAY

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

PEOPLE = {f"51{number}": (f"Zoë Quill{number}", f"zoe.quill{number}@example.org") for number in range(8)}
PRODUCT, CATEGORY = "Phone <b>x</b> & Co", "Gear <i>y</i>"
NAME, EMAIL = PEOPLE["510"]
BOUGHT = {
    "behaviour": {"event": "purchase", "did": True, "where": [{"field": "product_id", "operator": "eq", "value": "1004856"}]}
}
FAVOURITE = factories.is_("favourite_category_by_views", "eq", "electronics.smartphone")
RULE = factories.rule(BOUGHT, FAVOURITE)
#: Addresses that show a customer by name, where the e-mail is, too.
WITH_PEOPLE = {
    "/customers/": False,
    "/customers/510": True,
    "/segments/{segment}/members": False,
    f"/segments/{{segment}}/movement?day={DAY}&way=entered&reason=created": False,
    "/segments/{segment}/explain?customer=510": False,
    "/segments/{segment}/export/file?personal=1": True,
    "/customer-export?personal=1": True,
    "/api/v1/customers": False,
    "/api/v1/customers/510": True,
    "/api/v1/segments/{segment}/members": False,
    "/api/v1/segments/{segment}/export?personal=1": True,
}
#: Addresses that show the product or the category, and how.
WITH_THINGS = {
    "/": (PRODUCT, CATEGORY),
    "/insights/products": (PRODUCT, f"{CATEGORY} › Phones"),
    "/insights/products?q=x</b>": (PRODUCT,),
    "/insights/products?tab=categories": (CATEGORY,),
    "/insights/products?tab=categories&category=electronics&sort=name": (CATEGORY, "Phones"),
    "/customers/?cols=favourite_category_by_views": (f"{CATEGORY} › Phones",),
    "/customers/510": (PRODUCT, f"{CATEGORY} › Phones"),
    "/customers/510?part=metrics": (f"{CATEGORY} › Phones",),
    "/products/1004856": (PRODUCT, f"{CATEGORY} › Phones"),
    "/segments/": (PRODUCT,),
    "/segments/{segment}": (PRODUCT,),
    "/segments/{segment}/members?columns=favourite_category_by_views": (f"{CATEGORY} › Phones",),
    "/segments/{segment}/rule": (PRODUCT, f"{CATEGORY} › Phones"),
    "/segments/{segment}/explain?customer=510": (PRODUCT, f"{CATEGORY} › Phones"),
}


@dataclass(frozen=True, slots=True)
class World:
    """A published shop with the names of everything; the ids that addresses need."""

    segment: int
    list: int

    def fill_in(self, address: str) -> str:
        ids = {"segment_id": self.segment, "list_id": self.list, "customer_id": "510"}
        for name, value in ids.items():
            address = address.replace(f"<int:{name}>", str(value)).replace(f"<path:{name}>", str(value))
        for kind in ("int", "str", "path", "uuid"):
            while f"<{kind}:" in address:
                start = address.index(f"<{kind}:")
                address = address[:start] + "1" + address[address.index(">", start) + 1 :]
        return "/" + address.replace("^", "").replace("$", "").replace("\\Z", "")


@pytest.fixture
def world(publish: Any, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> World:
    settings.API_RATES = dict.fromkeys(settings.API_RATES, "100000/s")
    rows = [factories.buyer(each, favourite_category_by_views="electronics.smartphone") for each in PEOPLE]
    bought = [factories.interaction(each, event) for each in PEOPLE for event in ("view", "cart", "purchase")]
    publish(rows, interactions=bought)
    factories.history(3)
    thing = {"day": DAY, "revenue": 80, "orders": 8, "items": 8, "views": 8}
    factories.mart_row(PRODUCT_DAY, product_id="1004856", category="electronics.smartphone", brand="samsung", **thing)
    factories.mart_row(CATEGORY_DAY, level=1, category="electronics", **thing)
    factories.mart_row(CATEGORY_DAY, level=2, category="electronics.smartphone", **thing)
    categories = {"electronics": CATEGORY, "electronics.smartphone": "Phones"}
    factories.shop_names(products={"1004856": PRODUCT}, categories=categories, people=PEOPLE)
    profiles = {row["customer_id"]: parse_profile(factories.profile(row), DAY) for row in rows}
    for module in (customer_page, api_customers):
        monkeypatch.setattr(module, "profile_get", lambda publication, customer_id: profiles.get(customer_id))
    segment = segment_create(name="Buyers", rule=RULE)
    segment_run_execute(run_id=segment.runs.get().pk)
    return World(segment.pk, list_create(name="Guests", upload=read_items(list(PEOPLE))).pk)


@pytest.fixture
def log_in(db: None) -> Callable[[Role], Client]:
    def log_in(role: Role) -> Client:
        user = User.objects.create_user(f"the {role}", password="secret")
        user_set_role(user=user, role=role)
        client = Client(raise_request_exception=False)
        client.force_login(user)
        return client

    return log_in


def read(answer: HttpResponse) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return content.decode(errors="replace")


def list_addresses(world: World) -> list[str]:
    own = [world.fill_in(OWN[name]) for name, access in ROUTES.items() if name in OWN and "GET" in access]
    return [*own, *(address.format(segment=world.segment) for address in WITH_PEOPLE)]


def test_nobody_without_the_permission_sees_a_customer(world: World, log_in: Callable[[Role], Client]) -> None:
    Group.objects.get(name=Role.ANALYST).permissions.clear()
    for client in (log_in(Role.VIEWER), log_in(Role.ANALYST)):
        for address in list_addresses(world):
            text = read(client.get(address))
            assert [word for word in ("Quill", "@example.org") if word in text] == [], address
        answers = [client.post("/customer-search", {"text": "zoë"})]
        body = json.dumps({"rule": factories.rule(FAVOURITE)})
        answers.append(client.post("/api/v1/segments/preview", body, content_type="application/json"))
        assert [answer.status_code for answer in answers] == [403, 200]
        assert not any("Quill" in read(answer) for answer in answers)


def test_a_file_with_personal_data_is_refused_and_nothing_is_recorded(world: World, log_in: Callable[[Role], Client]) -> None:
    Group.objects.get(name=Role.ANALYST).permissions.clear()
    client = log_in(Role.ANALYST)
    before = LogEntry.objects.count()
    files = [address.format(segment=world.segment) for address in WITH_PEOPLE if "personal" in address]
    assert [client.get(address).status_code for address in files] == [403, 403, 403]
    assert LogEntry.objects.count() == before


def test_analysts_see_customers_by_name(world: World, log_in: Callable[[Role], Client]) -> None:
    client = log_in(Role.ANALYST)
    for address, has_email in WITH_PEOPLE.items():
        text = read(client.get(address.format(segment=world.segment)))
        assert (NAME in text, EMAIL in text) == (True, has_email), address
    exports = LogEntry.objects.filter(additional_data__event="export")
    assert [entry.additional_data["personal"] for entry in exports] == [True, True, True]
    assert "Quill" not in "".join(str(entry.additional_data) for entry in exports)
    body = json.dumps({"rule": factories.rule(FAVOURITE)})
    preview = client.post("/api/v1/segments/preview", body, content_type="application/json").json()
    assert {row["name"] for row in preview["sample"]} == {name for name, _ in PEOPLE.values()}
    assert "Quill" not in preview["sql"] + preview["sentence"]


def test_files_have_personal_data_only_if_asked(world: World, log_in: Callable[[Role], Client]) -> None:
    client = log_in(Role.ANALYST)
    for address in (f"/segments/{world.segment}/export/file", "/customer-export"):
        assert "Quill" not in read(client.get(address))
        assert read(client.get(f"{address}?personal=1")).splitlines()[1].startswith(f"510,{NAME},{EMAIL},")
    assert client.get(f"/segments/{world.segment}/export/file?personal=1&ids=sha256").status_code == 400


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("ZOË QUILL1", ["511"]),
        ("zoe.quill2@", ["512"]),
        ("quill", []),
        ("51", list(PEOPLE)),
        ("%", []),
    ],
)
def test_search_by_the_beginning_of_name_email_or_id(
    world: World, log_in: Callable[[Role], Client], text: str, ids: list[str]
) -> None:
    answer = log_in(Role.ANALYST).post("/customer-search", {"text": text})
    assert [each.customer_id for each in answer.context["found"]] == ids


def test_search_finds_accounts_without_events(world: World, log_in: Callable[[Role], Client]) -> None:
    factories.shop_names(people={"900": ("Amy Late", "amy@example.org")})
    answer = log_in(Role.ANALYST).post("/customer-search", {"text": "amy"})
    assert [(each.customer_id, each.metrics) for each in answer.context["found"]] == [("900", None)]
    assert "/customers/900" not in read(answer)


def test_an_empty_search_shows_the_list_as_it_was(world: World, log_in: Callable[[Role], Client]) -> None:
    answer = log_in(Role.ANALYST).post("/customer-search", {"text": " ", "sort": "-views"})
    assert (answer.status_code, answer["Location"]) == (302, "/customers/?sort=-views")


def test_products_and_categories_are_named_and_no_name_is_html(world: World, log_in: Callable[[Role], Client]) -> None:
    client = log_in(Role.VIEWER)
    for address, names in WITH_THINGS.items():
        answer = client.get(address.format(segment=world.segment))
        text = read(answer)
        assert [tag for tag in ("<b>x</b>", "<i>y</i>") if tag in text] == [], address
        shown = html.unescape(text).replace("<wbr>", "")
        assert [name for name in names if name not in shown] == [], address


def test_figures_escape_names(world: World, log_in: Callable[[Role], Client]) -> None:
    """Plotly takes tags in texts for format."""
    client = log_in(Role.VIEWER)
    for address in ("/insights/products", "/insights/products?tab=categories", "/customers/510"):
        context = client.get(address).context
        charts = context.get("charts") or [context["share"], context["trend"]]
        figures = json.dumps([chart.figure.to_plotly_json() for chart in charts], default=str)
        assert [text in figures for text in ("&lt;", "<b>", "<i>")] == [True, False, False], address


def test_values_are_suggested_by_name(world: World, log_in: Callable[[Role], Client]) -> None:
    client = log_in(Role.VIEWER)

    def suggest(field: str, text: str) -> list[tuple[str, str]]:
        values = client.get("/api/v1/catalogue/values", {"field": field, "q": text}).json()["values"]
        return [(value["value"], value["name"]) for value in values]

    assert suggest("product_id", "PHONE") == [("1004856", PRODUCT)]
    assert suggest("category_1", "gear") == [("electronics", CATEGORY)]
    assert suggest("category_2", "phones") == [("smartphone", "Phones")]
    assert suggest("favourite_category_by_views", "gear") == [("electronics.smartphone", f"{CATEGORY} › Phones")]
    tree = client.get("/api/v1/catalogue/categories").json()["categories"]
    assert [(each["path"], each["name"]) for each in tree] == [
        (["electronics"], CATEGORY), (["electronics", "smartphone"], "Phones"),
    ]  # fmt: skip


def test_more_rows_take_no_more_queries(world: World, log_in: Callable[[Role], Client]) -> None:
    client = log_in(Role.ANALYST)

    def count_queries(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    for address in ("/customers/", f"/segments/{world.segment}/members", "/api/v1/customers"):
        count_queries(address)  # fills caches
        assert count_queries(address) == count_queries(f"{address}?q=510"), address
