from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from pymongo import MongoClient

from cdp.settings import current
from cdp_web.customers import profiles
from cdp_web.customers.profiles import ProfileDay, ProfileEvent, parse_profile, profile_get
from cdp_web.serving.errors import ProfilesUnavailable
from cdp_web.serving.publications import Publication
from tests.cdp_web import factories

PUBLICATION = Publication(1, factories.DAY, datetime(2019, 12, 1, tzinfo=UTC), 1, 1, "test_web_profiles", {})


def test_document_becomes_typed_values() -> None:
    document = factories.profile(factories.buyer("7", value="12.50"), events=1)
    profile = parse_profile(document, factories.DAY)
    assert profile.customer_id == "7"
    assert (profile.metrics["total_purchase"], profile.metrics["total_purchase_value"]) == (1, Decimal("12.50"))
    assert profile.days == [ProfileDay(factories.DAY, 1, 1, Decimal("12.50"))]
    moment = datetime(2019, 11, 30, 20, 5, tzinfo=UTC)
    assert profile.recent == [ProfileEvent(moment, "view", "1004856", "electronics.smartphone", "samsung", Decimal("130.76"), 1)]


def test_missing_values_stay_missing() -> None:
    document = factories.profile(factories.customer("7"), events=0)
    event = factories.event(datetime(2019, 11, 30, tzinfo=UTC))
    del event["brand"], event["category_code"]
    del document["days"]
    profile = parse_profile(document | {"recent": [event]}, factories.DAY)
    assert "last_order" not in profile.metrics
    assert (profile.recent[0].brand, profile.recent[0].category_code, profile.days) == (None, None, [])


def test_event_with_money_shows_what_it_was_worth() -> None:
    moment = datetime(2019, 11, 30, tzinfo=UTC)
    refund = factories.event(moment, "refund", quantity=2, revenue=Decimal128("-261.52"))
    document = factories.profile(factories.customer("7"), recent=[refund, factories.event(moment)])
    refund_event, view = parse_profile(document, factories.DAY).recent
    assert (refund_event.event_type.title, refund_event.event_type.icon, refund_event.revenue) == (
        "Refund",
        "undo-2",
        Decimal("-261.52"),
    )
    assert view.revenue is None


class TestFromMongo:
    pytestmark = pytest.mark.stack("mongo")

    @pytest.fixture
    def collection(self) -> Iterator[Any]:
        current.cache_clear()
        settings = current()
        with MongoClient(settings.mongo_url) as client:
            collection = client[settings.mongo_database][PUBLICATION.profiles_collection]
            collection.drop()
            yield collection
            collection.drop()

    def test_profile_is_found_by_id(self, collection: Any) -> None:
        collection.insert_one(factories.profile(factories.buyer("9", orders=2, value="19.99"), events=20))
        profile = profile_get(PUBLICATION, "9")
        assert profile
        assert profile.metrics["total_purchase_value"] == Decimal("39.98")
        assert len(profile.recent) == 20
        assert profile.recent[0].time == datetime(2019, 11, 30, 20, 5, tzinfo=UTC)

    def test_an_unknown_id_has_no_profile(self, collection: Any) -> None:
        assert profile_get(PUBLICATION, "9") is None


@pytest.mark.stack("postgres")
def test_a_mongodb_failure_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(current(), mongo_url="mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50")
    monkeypatch.setattr(profiles, "current", lambda: settings)
    with MongoClient(settings.mongo_url) as client:  # closed: its thread would go on trying in the tests after this one
        monkeypatch.setattr(profiles, "_client", lambda url: client)
        with pytest.raises(ProfilesUnavailable, match=r"127\.0\.0\.1:9"):
            profile_get(PUBLICATION, "9")
