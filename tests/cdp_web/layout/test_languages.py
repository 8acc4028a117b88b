"""What the pages and the API answer in another language."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.accounts.tokens import token_create
from cdp_web.layout.translations import DOMAINS, read_catalogue
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from tests.cdp_web import factories

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

PAGES = (
    "/", "/insights/products", "/insights/audience", "/insights/retention", "/customers/", "/customer-views/", "/segments/",
    "/segments/new", "/segments/{segment}", "/segments/{segment}/members", "/segments/{segment}/movement",
    "/segments/{segment}/rule", "/segments/{segment}/overlaps", "/segments/{segment}/uses", "/segments/{segment}/runs",
    "/segments/{segment}/edit", "/segments/{segment}/export", "/segments/{segment}/explain?customer=1", "/segments/lists",
    "/segments/lists/new", "/segments/overlap", "/segments/webhooks", "/pipeline/", "/pipeline/quarantine",
    "/pipeline/replays", "/nights/", "/accounts/", "/accounts/password", "/nowhere",
)  # fmt: skip
#: Without HDFS, the page says what to do.
STATUS = {"/nowhere": 404, "/pipeline/quarantine": 503}
#: Shorter texts are also parts of names and of addresses.
LEAST_LETTERS = 13
HIDDEN = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->", re.DOTALL)
ATTRIBUTE = re.compile(r'(?:title|aria-label|placeholder|data-confirm|alt)="([^"]*)"')
PLACE = re.compile(r"%\\\(\w+\\\)s")
RULE = {"version": 1, "rule": {"all": [{"metric": {"field": "lifecycle", "operator": "eq", "value": "new"}}]}}


@pytest.fixture(scope="module")
def english() -> re.Pattern[str]:
    """Every text that has a translation, with anything in its places."""
    texts = set[str]()
    for domain in DOMAINS:
        for message in read_catalogue("vi", domain):
            forms = [message.id] if isinstance(message.id, str) else list(message.id)
            translations = [message.string] if isinstance(message.string, str) else list(message.string or ())
            texts |= {form for form in forms if form not in translations and len(PLACE.sub("", re.escape(form))) >= LEAST_LETTERS}
    patterns = (PLACE.sub(".{1,60}?", re.escape(text)) for text in sorted(texts, key=len, reverse=True))
    return re.compile(rf"(?<![\w.])(?:{'|'.join(patterns)})(?!\w)")


@pytest.fixture
def admin(db: None) -> Client:
    user = User.objects.create_user("root", password="secret", is_staff=True)
    user_set_role(user=user, role=Role.ADMIN)
    client = Client(headers={"accept-language": "vi"})
    client.force_login(user)
    return client


def list_visible(page: str) -> str:
    page = HIDDEN.sub("", page)
    parts = [*ATTRIBUTE.findall(page), *re.sub(r"<[^>]*>", "\n", page).splitlines()]
    return unescape("\n".join(part.strip() for part in parts if part.strip()))


def test_no_page_in_vietnamese_has_english_texts(admin: Client, publish: Any, english: re.Pattern[str]) -> None:
    publication = publish([factories.customer("1", lifecycle="new"), factories.buyer("2", rfm_group="Loyal")])
    factories.kpi_day(factories.DAY)
    segment = segment_create(name="Nhóm thử", rule=RULE)
    segment_run_now(segment=segment, publication=publication)
    leftovers: dict[str, list[str]] = {}
    for page in PAGES:
        answer = admin.get(page.format(segment=segment.pk))
        assert answer.status_code == STATUS.get(page, 200), page
        assert answer["Content-Language"] == "vi"
        if texts := english.findall(list_visible(answer.content.decode())):
            leftovers[page] = texts
    assert leftovers == {}


def test_the_same_page_in_english_has_english_texts(site: Client, publish: Any, english: re.Pattern[str]) -> None:
    publish([factories.customer("1")])
    assert "Every customer of the shop, as of " in " ".join(
        english.findall(list_visible(site.get("/customers/").content.decode()))
    )


def test_sentences_of_rules_follow_the_language(admin: Client, publish: Any) -> None:
    publish([factories.customer("1", lifecycle="new")])
    page = admin.get(f"/segments/{segment_create(name='Nhóm thử', rule=RULE).pk}/rule").content.decode()
    assert "Giai đoạn khách hàng là &quot;mới&quot;" in page


def test_programs_read_english_and_scripts_of_the_site_its_language(admin: Client, marketer: User, publish: Any) -> None:
    publish([factories.customer("1", lifecycle="new")])
    _, text = token_create(user=marketer, name="tests", days=7)
    program = APIClient(headers={"accept-language": "vi"})
    assert program.get("/api/v1/segments/999").json()["detail"] == "Authentication credentials were not provided."
    program.credentials(HTTP_AUTHORIZATION=f"Token {text}")
    of_script = admin.post("/api/v1/segments/preview", {"rule": RULE}, content_type="application/json").json()
    of_program = program.post("/api/v1/segments/preview", {"rule": RULE}, format="json").json()
    assert (of_script["sentence"], of_program["sentence"]) == ('giai đoạn khách hàng là "mới"', 'lifecycle is "new"')
