from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cdp_web.customers.links import link_to_customers
from cdp_web.segments import runs
from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.runs import segment_run_now, segment_run_request
from cdp_web.segments.services import segment_archive, segment_create, segment_update
from cdp_web.segments.starters import starters_ensure
from cdp_web.serving import snapshot_store
from cdp_web.serving.errors import SnapshotUnavailable
from tests.cdp_web.factories import buyer, customer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

BUYERS = rule(is_("total_purchase", "ge", 1))
OTHERS = rule(is_("total_purchase", "eq", 0))
TABS = ("", "/members", "/movement", "/rule", "/overlaps", "/uses", "/runs")


def read_page(site: Client, address: str) -> str:
    answer = site.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def make_form(rule: Any, **changes: Any) -> dict[str, Any]:
    return {"name": "Buyers", "description": "", "revision": 0, "rule": json.dumps(rule)} | changes


class TestList:
    def test_segment_with_its_size_and_meaning(self, publish: Any, site: Client) -> None:
        published = publish([buyer("1"), customer("2")])
        segment_run_now(segment=segment_create(name="Buyers", rule=BUYERS), publication=published)
        SegmentRun.objects.filter(status="queued").delete()
        html = read_page(site, "/segments/")
        for text in ("Buyers", "<strong>1</strong>", "50.0%", "Orders is at least 1", "Fresh"):
            assert text in html

    @pytest.mark.parametrize("reason", ["publication", "rule"])
    def test_members_of_older_data_or_an_older_rule_are_not_called_fresh(self, publish: Any, site: Client, reason: str) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        segment_run_now(segment=segment, publication=publish([buyer("1")]))
        if reason == "publication":
            publish([buyer("1")], 2)
        else:
            segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=OTHERS)
            SegmentRun.objects.filter(status="queued").delete()
        html = read_page(site, "/segments/")
        assert "Fresh" not in html
        assert "Older data" in html

    def test_failure_is_shown(self, publish: Any, site: Client) -> None:
        publish([buyer("1")])
        segment_create(name="Buyers", rule=BUYERS)
        SegmentRun.objects.update(status="failed", error="HDFS is away")
        assert 'title="HDFS is away"' in read_page(site, "/segments/")

    def test_a_rule_with_a_removed_metric_does_not_break_the_pages(self, publish: Any, site: Client) -> None:
        publish([buyer("1")])
        segment = segment_create(name="Broken", rule=BUYERS)
        Segment.objects.update(rule=rule(is_("no_longer_there", "ge", 1)))
        for address in ("/segments/", f"/segments/{segment.pk}", f"/segments/{segment.pk}/edit"):
            assert "no_longer_there" in read_page(site, address)

    def test_archived_segments_have_their_own_list(self, site: Client) -> None:
        segment_archive(segment=segment_create(name="Old ones", rule=BUYERS))
        assert "Old ones" not in read_page(site, "/segments/")
        assert "Old ones" in read_page(site, "/segments/?archived=1")

    def test_queries_do_not_grow_with_the_segments(
        self, publish: Any, site: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        publish([buyer("1")])
        starters_ensure()
        # 3 session, user and role; 5 segments, their number, the facets, the names in rules, the day of the newest size;
        # 2 publication, 2 the last night, 1 the state of the data in the top bar
        with django_assert_num_queries(15):
            site.get("/segments/")


class TestDetail:
    def test_every_tab_opens(self, publish: Any, site: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        for tab in TABS:
            assert site.get(f"/segments/{segment.pk}{tab}").status_code == 200
        segment_run_now(segment=segment, publication=publish([buyer("77", value="12.50"), customer("78")]))
        for tab in TABS:
            with django_assert_max_num_queries(30):
                assert site.get(f"/segments/{segment.pk}{tab}").status_code == 200

    def test_members_leave_out_the_others(self, publish: Any, site: Client) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        segment_run_now(segment=segment, publication=publish([buyer("77", value="12.50"), customer("78")]))
        html = read_page(site, f"/segments/{segment.pk}/members")
        assert 'href="/customers/77"' in html
        assert "$12.50" in html
        assert 'href="/customers/78"' not in html
        assert "SELECT" in site.get(f"/segments/{segment.pk}/rule").context["sql"]

    def test_a_number_leads_to_its_customers_only_if_it_is_current(self, publish: Any, site: Client) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        segment_run_now(segment=segment, publication=publish([buyer("77"), customer("78")]))
        assert site.get(f"/segments/{segment.pk}").context["header"].link == link_to_customers({"segment": {"id": segment.pk}})
        publish([buyer("77")], 2)
        assert site.get(f"/segments/{segment.pk}").context["header"].link == ""

    def test_page_asks_for_the_status_during_a_run(self, publish: Any, site: Client) -> None:
        publish([buyer("1")])
        segment = segment_create(name="Buyers", rule=BUYERS)
        assert f'hx-get="/segments/{segment.pk}/status"' in read_page(site, f"/segments/{segment.pk}")
        assert "hx-get" in read_page(site, f"/segments/{segment.pk}/status")
        runs.segment_run_execute(run_id=segment.runs.get().pk)
        assert site.get(f"/segments/{segment.pk}/status")["HX-Refresh"] == "true"

    def test_recompute_asks_for_a_run(self, publish: Any, site: Client, marketer: User) -> None:
        publish([buyer("1")])
        segment = segment_create(name="Buyers", rule=BUYERS)
        SegmentRun.objects.all().delete()
        assert site.post(f"/segments/{segment.pk}/run").status_code == 302
        assert segment.runs.get().requested_by == marketer

    @pytest.mark.parametrize("action", ["run", "archive", "restore"])
    def test_actions_need_a_post(self, site: Client, action: str) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        assert site.get(f"/segments/{segment.pk}/{action}").status_code == 405

    def test_archive_and_restore(self, site: Client) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        assert site.post(f"/segments/{segment.pk}/archive").status_code == 302
        assert "Archived" in read_page(site, f"/segments/{segment.pk}")
        site.post(f"/segments/{segment.pk}/restore")
        assert Segment.objects.get().archived_at is None

    def test_unreadable_members_leave_the_rest_of_the_page(
        self, publish: Any, site: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        segment_run_now(segment=segment, publication=publish([buyer("77"), customer("78")]))
        segment_archive(segment=segment)
        publish([buyer("77")], 2)
        for file in snapshot_store.get_folder().iterdir():
            file.unlink()

        def gone(publication: Any) -> None:
            raise SnapshotUnavailable(f"version {publication.customers_version} was deleted")

        monkeypatch.setattr(snapshot_store, "open_customers", gone)
        assert "version 1 was deleted" in site.get(f"/segments/{segment.pk}").context["header"].problem
        html = read_page(site, f"/segments/{segment.pk}/members")
        for text in ("version 1 was deleted", "./run status", "of 2 customers", "Restore the segment to see its members"):
            assert text in html
        assert site.get(f"/segments/{segment.pk}/export/file").status_code == 503

    @pytest.mark.parametrize("tail", ["", "/members", "/status", "/edit", "/export/file"])
    def test_unknown_segment_is_not_found(self, site: Client, tail: str) -> None:
        assert site.get(f"/segments/99{tail}").status_code == 404

    def test_a_run_requested_twice_waits_once(self, publish: Any, site: Client) -> None:
        publish([buyer("1")])
        segment = segment_create(name="Buyers", rule=BUYERS)
        segment_run_request(segment=segment)
        site.post(f"/segments/{segment.pk}/run")
        assert segment.runs.count() == 1


class TestBuilder:
    def test_page_contains_the_catalogue_and_an_empty_rule(self, publish: Any, site: Client) -> None:
        publish([])
        html = read_page(site, "/segments/new")
        data = json.loads(html.split('<script id="builder-data" type="application/json">')[1].split("</script>")[0])
        assert data["document"] == {"version": 1, "rule": {"all": []}}
        assert {"key", "title", "kind", "group", "operators", "choices"} <= set(data["catalogue"][0])

    def test_save_creates_the_segment_and_redirects_to_it(self, site: Client, marketer: User) -> None:
        answer = site.post("/segments/new", make_form(BUYERS, description="who buy"))
        segment = Segment.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, f"/segments/{segment.pk}")
        assert (segment.rule, segment.owner, segment.description) == (BUYERS, marketer, "who buy")

    def test_problems_come_back_with_what_was_typed(self, site: Client) -> None:
        answer = site.post("/segments/new", make_form(rule(is_("total_purchase", "ge", "many")), name="Half done"))
        assert answer.status_code == 400
        assert answer.context["builder"]["problems"][0]["path"] == "rule.all[0].metric.value"
        assert 'value="Half done"' in answer.content.decode()
        assert not Segment.objects.exists()

    def test_a_duplicate_name_is_reported_at_the_name(self, site: Client) -> None:
        segment_create(name="Buyers", rule=BUYERS)
        answer = site.post("/segments/new", make_form(OTHERS))
        assert answer.status_code == 400
        assert answer.context["draft"].errors == {"name": ["A segment with this name already exists; choose another name."]}

    @pytest.mark.parametrize("text", ["", "{", "[" * 100_000, json.dumps(BUYERS) + " " * 1_000_000])
    def test_a_rule_that_is_not_json_or_too_long_is_refused(self, site: Client, text: str) -> None:
        answer = site.post("/segments/new", {"name": "Buyers", "rule": text})
        assert answer.status_code == 400
        assert answer.context["draft"].errors["rule"]

    def test_edit_saves_a_new_version(self, site: Client) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        answer = site.post(f"/segments/{segment.pk}/edit", make_form(OTHERS, revision=1))
        segment.refresh_from_db()
        assert (answer.status_code, segment.version, segment.rule) == (302, 2, OTHERS)

    def test_edit_with_an_invalid_version_or_a_nul_in_the_name_is_not_a_server_error(self, site: Client) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        assert site.post(f"/segments/{segment.pk}/edit", make_form(OTHERS, revision="²")).status_code == 400
        assert site.post(f"/segments/{segment.pk}/edit", make_form(OTHERS, revision=1, name="Buy\0ers")).status_code == 302

    def test_edit_of_an_outdated_version_is_refused(self, site: Client) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        segment_update(segment_id=segment.pk, expected_version=1, name="Buyers", rule=OTHERS)
        answer = site.post(f"/segments/{segment.pk}/edit", make_form(BUYERS, revision=1, name="Mine"))
        conflict = answer.context["draft"].conflict
        assert (answer.status_code, conflict.segment.revision) == (400, 2)
        assert [(field.theirs, field.mine) for field in conflict.fields] == [("Buyers", "Mine")]
        assert [(change.before, change.after) for change in conflict.difference.changed] == [
            ("orders is 0", "orders is at least 1")
        ]
        segment.refresh_from_db()
        assert (segment.name, segment.rule) == ("Buyers", OTHERS)

    def test_mine_is_saved_after_the_conflict_was_seen(self, site: Client) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        segment_update(segment_id=segment.pk, name="Buyers", rule=OTHERS)
        assert site.post(f"/segments/{segment.pk}/edit", make_form(BUYERS, revision=1, overwrite=2)).status_code == 302
        segment.refresh_from_db()
        assert (segment.version, segment.revision, segment.rule) == (3, 3, BUYERS)

    def test_the_address_names_a_rule_or_a_template(self, site: Client) -> None:
        assert site.get("/segments/new", {"rule": json.dumps(OTHERS)}).context["builder"]["document"] == OTHERS
        assert site.get("/segments/new", {"rule": "{"}).status_code == 400
        template = site.get("/segments/new", {"starter": "active-but-not-buying"}).context
        assert template["draft"].name == "Active but not buying"
        repeat_buyers = template["builder"]["document"]["rule"]["all"][0]
        assert repeat_buyers == {"all": [is_("total_purchase", "ge", 2)]}
        assert site.get("/segments/new", {"starter": "nothing"}).status_code == 404

    def test_templates_are_offered_for_a_new_rule_only(self, site: Client) -> None:
        segment = segment_create(name="Buyers", rule=BUYERS)
        assert "template_groups" in site.get("/segments/new").context
        assert "template_groups" not in site.get(f"/segments/{segment.pk}/edit").context
