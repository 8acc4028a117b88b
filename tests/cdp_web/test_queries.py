"""Every page takes a bounded number of queries, with a cold cache. A bound is what was measured, and three more."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pymongo import MongoClient
from pytest_django import DjangoAssertNumQueries

from cdp.settings import current
from cdp_web.accounts.roles import Role
from cdp_web.accounts.services import user_set_role
from cdp_web.fraud.models import FraudRule
from cdp_web.segments.lists import list_create
from cdp_web.segments.services import segment_create
from cdp_web.segments.uploads import read_items
from cdp_web.segments.webhooks.services import webhook_create
from tests.cdp_web import factories
from tests.cdp_web.fraud.facts import make_alert
from tests.cdp_web.recommend import rows
from tests.cdp_web.whole_shop import make_segment, make_shop, publish_shop

pytestmark = [pytest.mark.stack("postgres", "mongo"), pytest.mark.django_db]

#: Rows of a list on a page: a query for each of them would break the bounds.
MANY = 12
#: Page -> most queries. {customer}, {segment}, {list}, {webhook} and {alert} are ids of the shop below.
BOUNDS = {
    "/": 29,
    "/?period=7d&compare=year": 24,
    "/insights/products": 16,
    "/insights/audience": 16,
    "/insights/retention": 14,
    "/recommendations/": 33,
    "/recommendations/experiments/als-home": 17,
    "/products/1004856": 18,
    "/customers/": 14,
    "/customers/?q=5120": 14,
    "/customers/{customer}": 22,
    "/customer-views/": 14,
    "/segments/": 19,
    "/segments/{segment}": 20,
    "/segments/{segment}/edit": 17,
    "/segments/{segment}/export": 15,
    "/segments/{segment}/members": 19,
    "/segments/{segment}/movement": 19,
    "/segments/{segment}/rule": 17,
    "/segments/{segment}/overlaps": 18,
    "/segments/{segment}/uses": 20,
    "/segments/{segment}/runs": 17,
    "/segments/{segment}/explain?customer={customer}": 15,
    "/segments/overlap?segment={segment}": 14,
    "/segments/new": 15,
    "/segments/lists": 15,
    "/segments/lists/{list}": 15,
    "/segments/webhooks": 15,
    "/segments/webhooks/{webhook}": 15,
    "/fraud/": 19,
    "/fraud/{alert}": 20,
    "/pipeline/": 25,
    "/pipeline/replays": 14,
    "/nights/": 15,
    "/nights/1": 17,
    "/accounts/": 16,
    "/admin/": 11,
}


@pytest.fixture
def ids(publish: Any) -> dict[str, Any]:
    """A published shop with many segments, lists and data runs, and a webhook; the ids that pages need."""
    publication = publish_shop(publish)
    for number in range(MANY):
        factories.night_run(number + 2)
        segment_create(name=f"Segment {number}", rule=factories.rule(factories.is_("views", "ge", number)))
        list_create(name=f"List {number}", upload=read_items([str(number)]))
    best = max(make_shop().customers, key=lambda row: row["total_purchase_value"])
    client: MongoClient[dict[str, Any]] = MongoClient(current().mongo_url)
    profiles = client[current().mongo_database][publication.profiles_collection]
    profiles.drop()
    profiles.insert_one(factories.profile(best, events=8))
    buyers = make_segment(publication, "Buyers", factories.is_("total_purchase", "ge", 1))
    make_segment(publication, "Loyal", {"segment": {"id": buyers.pk}}, factories.is_("total_purchase", "ge", 3))
    guests = list_create(name="Guests", upload=read_items([best["customer_id"], "stranger"]))
    rule = FraudRule.objects.get(kind="amount")
    alerts = [make_alert(rule.pk, str(number)) for number in range(MANY)]
    rows.fill(timezone.now())
    webhook = webhook_create(name="Shop", url="https://8.8.8.8/hook", segment_id=buyers.pk)
    cache.clear()
    return {"customer": best["customer_id"], "segment": buyers.pk, "list": guests.pk, "webhook": webhook.pk, "alert": alerts[0]}


@pytest.fixture
def admin(db: None) -> Client:
    user = User.objects.create_user("ada", password="secret")
    user_set_role(user=user, role=Role.ADMIN)
    client = Client()
    client.force_login(user)
    return client


def test_pages_take_few_queries(
    ids: dict[str, Any], admin: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for page, bound in BOUNDS.items():
        with django_assert_max_num_queries(bound, info=page):
            answer = admin.get(page.format(**ids))
        assert answer.status_code == 200, page
