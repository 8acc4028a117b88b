from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cdp.metrics import LIFECYCLES
from cdp.metrics.rfm import RFM_GROUPS, SCORES
from cdp_web.customers.advice import GROUP_ADVICE, LIFECYCLE_ADVICE
from cdp_web.insights.audience import audience_read
from cdp_web.insights.audience_charts import MEASURES, chart_flow, chart_grid
from cdp_web.insights.audience_selectors import lifecycles_count, lifecycles_count_at
from cdp_web.insights.rfm import (
    Flow,
    RfmCell,
    build_grid,
    build_groups,
    compute_change,
    count_first_orders,
    find_group,
    link_first_orders,
    list_moves,
)
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import snapshot_open
from tests.cdp_web.insights.world import AS_OF, World, count_customers
from tests.oracle.rankings import GRID

CELLS = [
    RfmCell(5, 5, 4, "Champions", 3, Decimal("90.00")),
    RfmCell(5, 4, 5, "Champions", 1, Decimal("10.00")),
    RfmCell(1, 1, 2, "Lost", 4, Decimal("0.00")),
]
FLOWS = [Flow("Champions", "Champions", 3), Flow("", "Champions", 1), Flow("Loyal", "Lost", 4), Flow("", "", 50)]


class TestPure:
    def test_the_grid_has_a_place_for_every_recency_and_worth(self) -> None:
        grid = {(cell.recency, cell.worth): cell for cell in build_grid(CELLS)}
        assert len(grid) == 25
        best = grid[5, 5]
        assert (best.customers, best.revenue, best.revenue_per_customer) == (4, Decimal("100.00"), Decimal("25.00"))
        assert (grid[1, 2].customers, grid[3, 3].customers, grid[3, 3].revenue_per_customer) == (4, 0, None)

    def test_places_have_the_groups_of_the_second_reading(self) -> None:
        assert tuple(tuple(find_group(recency, worth) for worth in SCORES) for recency in SCORES) == GRID

    def test_groups_have_size_share_and_change(self) -> None:
        groups = {group.name: group for group in build_groups(CELLS, {"day": [], "month": FLOWS})}
        champions, lost = groups["Champions"], groups["Lost"]
        assert list(groups) == [group.name for group in RFM_GROUPS]
        assert (champions.customers, champions.customers_share, champions.revenue_share) == (4, 0.5, 1.0)
        assert (champions.change_day, champions.change_month, lost.change_month) == (0, 1, 4)
        assert (groups["Loyal"].customers, groups["Loyal"].change_month) == (0, -4)

    def test_those_who_stay_do_not_change_a_group(self) -> None:
        assert compute_change([Flow("Lost", "Lost", 9)], "Lost") == 0

    def test_the_greatest_moves_come_first(self) -> None:
        flows = [Flow("Lost", "Loyal", 2), *FLOWS]
        assert list_moves(flows) == [Flow("Loyal", "Lost", 4), Flow("Lost", "Loyal", 2)]
        assert count_first_orders(flows) == 1

    def test_every_group_and_stage_has_advice(self) -> None:
        assert set(GROUP_ADVICE) == {group.name for group in RFM_GROUPS}
        assert set(LIFECYCLE_ADVICE) == set(LIFECYCLES)
        assert len({str(advice.move) for advice in (*GROUP_ADVICE.values(), *LIFECYCLE_ADVICE.values())}) == 16

    def test_colour_of_the_flow_is_only_for_moves(self) -> None:
        heat = chart_flow(FLOWS, "month").figure.data[0]
        names = [group.name for group in RFM_GROUPS]
        assert heat.z[names.index("Champions")][names.index("Champions")] == 0
        assert heat.z[names.index("Loyal")][names.index("Lost")] == 4
        assert heat.z[-1][names.index("Champions")] == 1

    def test_colour_of_the_grid_follows_the_switch(self) -> None:
        grid = build_grid(CELLS)
        values = {key: chart_grid(grid, key).figure.data[0].z[0][4] for key in MEASURES}  # type: ignore[arg-type]
        assert values == {"customers": 4, "revenue": 100, "average": 25}


@pytest.mark.stack("postgres")
@pytest.mark.django_db
class TestReport:
    def test_grid_and_groups_lead_to_as_many_customers_as_they_show(self, publication: Publication) -> None:
        report = audience_read(publication)
        places = [cell for cell in report.grid if cell.customers]
        assert len(places) > 5
        links = [(cell.link, cell.customers) for cell in places]
        links += [(group.link, group.customers) for group in report.groups]
        links += [(row.link, row.customers) for row in report.lifecycles]
        for link, customers in links:
            assert count_customers(link, publication) == customers, link

    @pytest.mark.parametrize("since", ["day", "month"])
    def test_flows_lead_to_as_many_customers_as_they_show(self, publication: Publication, since: str) -> None:
        chart = chart_flow(audience_read(publication).flows[since], since)
        assert chart.rows
        for row, link in zip(chart.rows, chart.links, strict=True):
            assert count_customers(link, publication) == row[2], row

    @pytest.mark.parametrize("since", ["day", "month"])
    def test_first_orders_lead_to_their_customers(self, publication: Publication, since: str) -> None:
        flows = audience_read(publication).flows[since]
        assert count_customers(link_first_orders(since), publication) == count_first_orders(flows)

    def test_a_change_needs_data_of_30_days_before(self, publication: Publication, monkeypatch: pytest.MonkeyPatch) -> None:
        assert audience_read(publication).has_lifecycles_before
        monkeypatch.setattr("cdp_web.insights.audience.kpi_first_day_get", lambda: AS_OF - timedelta(days=59))
        report = audience_read(publication)
        assert not report.has_lifecycles_before
        assert {row.change_month for row in report.lifecycles} == {None}

    def test_totals_are_those_of_the_snapshot(self, publication: Publication, world: World) -> None:
        report = audience_read(publication)
        buyers = [row for row in world.customers if row["total_purchase"]]
        revenue = sum(row["total_purchase_value"] for row in buyers)
        assert (report.customers, report.buyers, report.revenue) == (len(world.customers), len(buyers), revenue)
        rows = chart_grid(report.grid, "customers").rows
        assert (sum(row[3] for row in rows), sum(row[4] for row in rows)) == (len(buyers), revenue)
        assert all(sum(flow.customers for flow in flows) == len(world.customers) for flows in report.flows.values())

    def test_changes_are_against_the_earlier_group(self, publication: Publication, world: World) -> None:
        before = Counter(row["rfm_group_30d_ago"] for row in world.customers)
        for group in audience_read(publication).groups:
            assert group.customers - group.change_month == before[group.name]

    def test_the_lifecycle_from_events_is_that_of_the_metric(self, publication: Publication) -> None:
        snapshot = snapshot_open(publication)
        assert lifecycles_count_at(snapshot, AS_OF) == lifecycles_count(snapshot)

    def test_lifecycles_of_an_earlier_day_are_of_the_customers_until_then(self, publication: Publication, world: World) -> None:
        day = AS_OF - timedelta(days=30)
        counts = lifecycles_count_at(snapshot_open(publication), day)
        assert sum(counts.values()) == sum(row["first_seen"] <= day for row in world.customers)
        assert counts["new"] == sum(AS_OF - timedelta(days=60) < row["first_seen"] <= day for row in world.customers)

    def test_page(self, publication: Publication, site: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_max_num_queries(13):
            answer = site.get("/insights/audience?show=revenue&since=day")
        assert (answer.status_code, answer.context["show"], answer.context["since"]) == (200, "revenue", "day")
        assert site.get("/insights/audience?csv=groups")["Content-Disposition"] == 'attachment; filename="groups.csv"'

    def test_page_of_a_shop_without_orders(self, publish: object, site: Client) -> None:
        publish([])  # type: ignore[operator]
        assert site.get("/insights/audience").status_code == 200

    @pytest.mark.parametrize("address", ["show=size", "since=year"])
    def test_an_invalid_address_is_a_bad_request(self, publication: Publication, site: Client, address: str) -> None:
        assert site.get(f"/insights/audience?{address}").status_code == 400
