from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from cdp.metrics import METRICS
from cdp_web.segments import export
from cdp_web.segments.export import ExportBroken, generate_csv_lines
from cdp_web.segments.models import Membership, SegmentRun
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from tests.cdp_web.factories import buyer, customer, is_, rule, shop

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

EVERYONE = rule(is_("views", "ge", 0))


def make_run(publish: Any, people: list[dict[str, Any]]) -> SegmentRun:
    publication = publish(people)
    return segment_run_now(segment=segment_create(name="Éveryone, really", rule=EVERYONE), publication=publication)


def read_rows(run: SegmentRun) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(generate_csv_lines(run)))))


def test_export_contains_every_member_with_every_metric(publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "CHUNK", 7)
    people = shop(30)
    members = read_rows(make_run(publish, people))
    assert [row["customer_id"] for row in members] == sorted(person["customer_id"] for person in people)
    assert set(members[0]) == {"customer_id", *(metric.key for metric in METRICS)}


def test_export_writes_values_plainly(publish: Any) -> None:
    (row,) = read_rows(make_run(publish, [buyer("1", value="12.50")]))
    assert (row["total_purchase_value"], row["last_order"], row["lifecycle"]) == ("12.50", "2019-11-30", "new")


def test_missing_value_is_an_empty_cell(publish: Any) -> None:
    assert read_rows(make_run(publish, [customer("1")]))[0]["last_order"] == ""


@pytest.mark.parametrize("start", list("=+-@\t"))
def test_no_cell_is_a_formula(publish: Any, start: str) -> None:
    assert read_rows(make_run(publish, [customer(f"{start}1+1")]))[0]["customer_id"] == f"'{start}1+1"


def test_export_is_a_file_named_after_segment_day_and_publication(publish: Any, site: Client) -> None:
    run = make_run(publish, [customer("1")])
    answer = site.get(f"/segments/{run.segment_id}/members.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="everyone-really-2019-11-30-publication-1.csv"'
    assert len(b"".join(answer).splitlines()) == 2


def test_half_a_file_does_not_look_like_a_whole_one(publish: Any) -> None:
    run = make_run(publish, shop(5))
    Membership.objects.filter(customer_id=shop(5)[4]["customer_id"]).delete()
    with pytest.raises(ExportBroken, match="has 5 members, but only 4"):
        read_rows(run)


def test_segment_without_a_complete_run_has_nothing_to_export(site: Client) -> None:
    segment = segment_create(name="New", rule=EVERYONE)
    assert site.get(f"/segments/{segment.pk}/members.csv").status_code == 404
