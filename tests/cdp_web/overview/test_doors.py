"""Each number of customers opens exactly these customers: tables of the night and the snapshot come from the same events."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cdp.rules import decode
from cdp_web.overview.page import View, build_charts, link_tile
from cdp_web.overview.report import overview_read
from cdp_web.overview.selectors import period_choose
from cdp_web.segments.preview import segment_preview
from cdp_web.segments.references import references_load
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import snapshot_open
from tests.cdp_web.factories import DAY, customer, customer_day, interaction, kpi_day

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

DAYS = 40
COUNTS = {"view": "views", "cart": "carts", "purchase": "orders", "refund": "refunds"}
Event = tuple[str, str, int]


def invent_events(seed: int = 3) -> list[Event]:
    """Customer, type and days before the published day."""
    random = Random(seed)
    return [
        (str(random.randint(1, random.choice((20, 300)))), random.choices(tuple(COUNTS), (6, 2, 2, 1))[0], random.randrange(DAYS))
        for _ in range(700)
    ]


def publish_events(publish: Any, events: list[Event]) -> Publication:
    first = {number: max(back for other, _, back in events if other == number) for number, _, _ in events}
    people = [customer(number, first_seen=DAY - timedelta(days=back)) for number, back in first.items()]
    publication: Publication = publish(people, interactions=[interaction(*event) for event in events])
    by_day: dict[date, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for number, event_type, back in events:
        by_day[DAY - timedelta(days=back)][number].append(event_type)
    for day, customers in by_day.items():
        new = sum(day == DAY - timedelta(days=first[number]) for number in customers)
        buyers = sum("purchase" in types for types in customers.values())
        kpi_day(day, customers=len(customers), buyers=buyers, new_customers=new)
        for number, types in customers.items():
            customer_day(day, number, **{column: types.count(name) for name, column in COUNTS.items()})
    return publication


def count_behind(publication: Publication, link: str) -> int:
    rule = decode(json.loads(parse_qs(urlsplit(link).query)["rule"][0]))
    return segment_preview(snapshot_open(publication), rule, references_load(rule)).count


@pytest.mark.parametrize("period", ["7d", "28d", "all"])
def test_links_lead_to_as_many_customers_as_the_number_says(publish: Any, period: str) -> None:
    publication = publish_events(publish, invent_events())
    choice = period_choose({"period": period}, publication)
    overview = overview_read(publication, choice)
    tiles = {tile.kpi.key: tile for tile in overview.tiles}
    for key in ("customers", "buyers", "new_customers"):
        link = link_tile(tiles[key], choice, View())
        assert count_behind(publication, link) == tiles[key].value, key
    for step in overview.funnel:
        assert count_behind(publication, step.link) == step.customers
    assert tiles["buyers"].value
    assert overview.funnel[2].customers


def test_bars_lead_to_new_and_to_returning_customers(publish: Any) -> None:
    publication = publish_events(publish, invent_events())
    overview = overview_read(publication, period_choose({"period": "7d"}, publication))
    for bars in build_charts(overview, View())["customers"].figure.data:
        counts = [count_behind(publication, link) for link in bars.customdata]
        assert counts == list(bars.y)
        assert any(counts)
