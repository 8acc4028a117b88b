from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from cdp.metrics import GROUPS, METRICS
from cdp_web.customers import views
from cdp_web.customers.profiles import parse_profile
from cdp_web.segments.refresh import segments_refresh
from cdp_web.segments.services import segment_create
from tests.cdp_web import factories

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


def test_list_shows_customers_with_their_numbers(publish: Any, site: Client) -> None:
    publish([factories.buyer("512", value="1234.50", lifecycle="active")])
    page = site.get("/customers/").content.decode()
    assert 'href="/customers/512"' in page
    assert "$1,234.50" in page
    assert "1 to 1 of <strong>1</strong> customers" in page


def test_htmx_gets_only_the_results(publish: Any, site: Client) -> None:
    publish([factories.customer("512")])
    page = site.get("/customers/?q=5", headers={"HX-Request": "true"}).content.decode()
    assert page.strip().startswith('<section id="results"')


def test_headings_sort_and_reverse_the_order(publish: Any, site: Client) -> None:
    publish([factories.customer("512")])
    page = site.get("/customers/?q=5&sort=-sessions").content.decode()
    assert 'href="?q=5&amp;sort=sessions"' in page
    assert 'href="?q=5&amp;sort=customer_id"' in page
    assert 'aria-sort="descending"' in page


def test_a_search_without_results_is_reported(publish: Any, site: Client) -> None:
    publish([factories.customer("512")])
    assert "No matching customer" in site.get("/customers/?q=9").content.decode()


def test_a_page_number_out_of_range_is_a_bad_request(publish: Any, site: Client) -> None:
    publish([factories.customer("512")])
    for page in ("201", "0000019999", "²", "1" * 5000):
        answer = site.get("/customers/", {"page": page})
        assert answer.status_code == 400
        assert "1 to 200" in answer.content.decode()


def test_an_id_is_text_and_never_markup(publish: Any, site: Client) -> None:
    publish([factories.customer("<b>/x?y")])
    page = site.get("/customers/").content.decode()
    assert "&lt;b&gt;/x?y" in page
    assert 'href="/customers/%3Cb%3E/x%3Fy"' in page


def test_page_of_a_customer(publish: Any, site: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = {
        "rfm_group": "Cannot lose them",
        "abandonment_rate": Decimal("0.125"),
        "mean_days_between_orders": Decimal("1.500000"),
    }
    row = factories.buyer("512", orders=2, value="10.00", lifecycle="returned", **metrics)
    publication = publish([row])
    profile = parse_profile(factories.profile(row, events=2), factories.DAY)
    monkeypatch.setattr(views, "profile_get", lambda publication, customer_id: {"512": profile}.get(customer_id))
    segment_create(name="Buyers", rule=factories.rule(factories.is_("total_purchase", "ge", 1)))
    segment_create(name="Others", rule=factories.rule(factories.is_("total_purchase", "eq", 0)))
    list(segments_refresh(publication))
    page = site.get("/customers/512").content.decode()
    assert "$20.00" in page
    assert "electronics.smartphone" in page
    assert "Buyers" in page
    assert "Others" not in page
    assert all(f"<h3>{group.title}</h3>" in page for group in GROUPS)
    assert page.count("<dt title=") == len(METRICS)
    assert all(f"<dd>{text}</dd>" in page for text in ("Cannot lose them", "12.5%", "1.5 days"))
    assert site.get("/customers/513").status_code == 404
