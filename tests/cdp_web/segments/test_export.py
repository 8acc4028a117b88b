from __future__ import annotations

import csv
import hashlib
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.test import Client

from cdp.metrics import METRICS
from cdp_web.customers.links import link_to_customers
from cdp_web.segments.export import rows
from cdp_web.segments.export.files import generate_csv_lines, write_parquet
from cdp_web.segments.export.manifest import build_manifest
from cdp_web.segments.export.options import ExportOptions, parse_options
from cdp_web.segments.export.rows import ExportBroken, export_open
from cdp_web.segments.models import Membership, Segment, SegmentRun
from cdp_web.segments.refresh import segments_refresh
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from cdp_web.segments.starters import STARTERS, starters_ensure
from cdp_web.serving.snapshot_query import LIST_COLUMNS
from tests.cdp_web.factories import buyer, customer, is_, rule, shop
from tests.cdp_web.whole_shop import publish_shop

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

EVERYONE = rule(is_("views", "ge", 0))
BUYERS = rule(is_("total_purchase", "ge", 1))
ALL = ExportOptions(columns=METRICS)


def make_run(publish: Any, people: list[dict[str, Any]]) -> SegmentRun:
    publication = publish(people)
    return segment_run_now(segment=segment_create(name="Éveryone, really", rule=EVERYONE), publication=publication)


def make_two_runs(publish: Any) -> tuple[SegmentRun, SegmentRun]:
    """1 stays, 2 and 3 leave, 4 enters; 3 is gone from the second snapshot."""
    segment = segment_create(name="Buyers", rule=BUYERS)
    first = segment_run_now(segment=segment, publication=publish([buyer("1"), buyer("2"), buyer("3"), customer("4")], 1))
    second = segment_run_now(segment=segment, publication=publish([buyer("1"), customer("2"), buyer("4", orders=7)], 2))
    return first, second


def get_segment(run: SegmentRun) -> Segment:
    return Segment.objects.select_related("current_run__version").get(pk=run.segment_id)


def read_text(run: SegmentRun, options: ExportOptions = ALL) -> str:
    return "".join(generate_csv_lines(export_open(get_segment(run), options)))


def read_rows(run: SegmentRun, options: ExportOptions = ALL) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read_text(run, options))))


def read_parquet(run: SegmentRun, options: ExportOptions = ALL) -> Any:
    with write_parquet(export_open(get_segment(run), options)) as file:
        return pq.ParquetFile(file).read()


def read_changes(run: SegmentRun, since: SegmentRun) -> list[tuple[str, str, str]]:
    exported = read_rows(run, ExportOptions(run_id=run.pk, since_id=since.pk))
    return [(row["customer_id"], row["change"], row["total_purchase"]) for row in exported]


def test_export_contains_every_member_with_every_metric(publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "CHUNK", 7)
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


def test_parquet_has_the_rows_and_columns_of_csv(publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "CHUNK", 7)
    run = make_run(publish, shop(30))
    table = read_parquet(run)
    as_text = [["" if value is None else str(value) for value in row.values()] for row in table.to_pylist()]
    assert as_text == [list(row.values()) for row in read_rows(run)]
    assert table.column_names == list(read_rows(run)[0])


def test_parquet_has_types_and_row_groups(publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "CHUNK", 2)
    run = make_run(publish, [buyer(str(number), value="12.50") for number in range(5)])
    with write_parquet(export_open(get_segment(run), ALL)) as file:
        assert pq.ParquetFile(file).num_row_groups == 3
    row = read_parquet(run).to_pylist()[0]
    assert (row["total_purchase_value"], row["last_order"], row["total_purchase"]) == (
        Decimal("12.50"),
        date(2019, 11, 30),
        1,
    )


def test_a_segment_without_members_is_a_file_without_rows(publish: Any) -> None:
    run = segment_run_now(segment=segment_create(name="Nobody", rule=BUYERS), publication=publish([customer("1")]))
    assert read_rows(run) == []
    table = read_parquet(run)
    assert (table.num_rows, table.column_names[0], table.num_columns) == (0, "customer_id", 1 + len(METRICS))


def test_the_columns_are_those_of_the_list_or_those_that_were_chosen(publish: Any) -> None:
    run = make_run(publish, [buyer("1", orders=2)])
    assert list(read_rows(run, ExportOptions())[0]) == ["customer_id", *(metric.key for metric in LIST_COLUMNS)]
    chosen = parse_options(QueryDict("columns=total_purchase,views&columns=views"))
    assert read_rows(run, chosen) == [{"customer_id": "1", "total_purchase": "2", "views": "1"}]


def test_hashed_ids_are_the_sha256_of_the_id_and_the_id_is_nowhere(publish: Any) -> None:
    people = [customer("=só-4711"), customer("customer-0815")]
    run = make_run(publish, people)
    exported = read_rows(run, ExportOptions(columns=METRICS, ids="sha256"))
    hashes = {hashlib.sha256(person["customer_id"].encode()).hexdigest() for person in people}
    assert {row["customer_id"] for row in exported} == hashes
    text = read_text(run, ExportOptions(columns=METRICS, ids="sha256"))
    assert not [person for person in people if person["customer_id"] in text]


def test_changes_since_a_run_are_those_who_entered_and_left(publish: Any) -> None:
    first, second = make_two_runs(publish)
    assert read_changes(second, first) == [("2", "left", "0"), ("3", "left", ""), ("4", "entered", "7")]
    assert read_changes(second, second) == []


def test_a_customer_who_left_and_came_back_has_not_changed(publish: Any) -> None:
    first, second = make_two_runs(publish)
    third = segment_run_now(segment=first.segment, publication=publish([buyer("1"), buyer("2"), customer("4")], 3))
    assert read_changes(third, first) == [("3", "left", "")]
    assert read_changes(third, second) == [("2", "entered", "1"), ("4", "left", "0")]


def test_an_older_run_is_exported_as_it_was(publish: Any) -> None:
    first, second = make_two_runs(publish)
    assert [row["customer_id"] for row in read_rows(first, ExportOptions(run_id=first.pk))] == ["1", "2", "3"]
    assert [row["customer_id"] for row in read_rows(second)] == ["1", "4"]


def test_changes_since_a_newer_or_a_foreign_run_are_refused(publish: Any) -> None:
    first, second = make_two_runs(publish)
    foreign = segment_run_now(segment=segment_create(name="Other", rule=EVERYONE), publication=publish([customer("1")], 3))
    for options in (ExportOptions(run_id=first.pk, since_id=second.pk), ExportOptions(since_id=foreign.pk)):
        with pytest.raises(ValidationError) as refusal:
            export_open(get_segment(second), options)
        assert list(refusal.value.message_dict) == ["changes_since"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("format=xlsx", ["format"]),
        ("ids=md5", ["ids"]),
        ("columns=views,customer_id", ["columns"]),
        ("run=-1&changes_since=x", ["run", "changes_since"]),
        ("format=xlsx&ids=md5", ["format", "ids"]),
    ],
)
def test_wrong_parameters_are_named(query: str, names: list[str]) -> None:
    with pytest.raises(ValidationError) as refusal:
        parse_options(QueryDict(query))
    assert list(refusal.value.message_dict) == names


def test_half_a_file_does_not_look_like_a_whole_one(publish: Any) -> None:
    run = make_run(publish, shop(5))
    Membership.objects.filter(customer_id=shop(5)[4]["customer_id"]).delete()
    with pytest.raises(ExportBroken, match="has 5 members, but only 4"):
        read_rows(run)
    with pytest.raises(ExportBroken, match="has 5 members, but only 4"):
        read_parquet(run)


def test_changes_that_do_not_add_up_are_not_exported(publish: Any) -> None:
    first, second = make_two_runs(publish)
    Membership.objects.filter(customer_id="4").delete()
    with pytest.raises(ExportBroken, match="0 entered and 2 left"):
        read_changes(second, first)


@pytest.mark.parametrize("query", ["", "?format=parquet&columns=all", "?ids=sha256&columns=views", "?format=parquet&ids=sha256"])
def test_the_manifest_is_the_sum_of_the_file(publish: Any, site: Client, query: str) -> None:
    run = make_run(publish, shop(30))
    file = site.get(f"/segments/{run.segment_id}/export/file{query}")
    body = b"".join(file)
    manifest = site.get(f"/segments/{run.segment_id}/export/manifest{query}").json()
    assert (manifest["bytes"], manifest["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert (manifest["rows"], manifest["run"]) == (30, run.pk)
    assert (file["X-Export-Rows"], file["X-Export-Run"]) == ("30", str(run.pk))
    assert f'"{manifest["file"]}"' in file["Content-Disposition"]


def test_the_manifest_names_where_the_file_comes_from(publish: Any) -> None:
    first, second = make_two_runs(publish)
    manifest = build_manifest(export_open(get_segment(second), ExportOptions(since_id=first.pk, ids="sha256")))
    expected = {
        "segment": {"id": second.segment_id, "name": "Buyers"}, "version": 1, "publication": 2, "day": date(2019, 11, 30),
        "run": second.pk, "changes_since": first.pk, "format": "csv", "ids": "sha256", "rows": 3,
        "columns": ["customer_id", "change", *(metric.key for metric in LIST_COLUMNS)],
    }  # fmt: skip
    assert {name: manifest[name] for name in expected} == expected


def test_export_is_a_file_named_after_segment_day_and_publication(publish: Any, site: Client) -> None:
    run = make_run(publish, [customer("1")])
    answer = site.get(f"/segments/{run.segment_id}/export/file")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="everyone-really-2019-11-30-publication-1.csv"'
    assert len(b"".join(answer).splitlines()) == 2


def test_the_page_offers_earlier_runs_and_all_metrics(publish: Any, site: Client) -> None:
    first, second = make_two_runs(publish)
    page = site.get(f"/segments/{second.segment_id}/export")
    assert list(page.context["earlier"]) == [first]
    html = page.content.decode()
    assert f'name="run" value="{second.pk}"' in html
    assert [metric.key for metric in METRICS if f'value="{metric.key}"' not in html] == []


def test_wrong_parameters_are_a_bad_request(publish: Any, site: Client) -> None:
    run = make_run(publish, [customer("1")])
    for page in ("file", "manifest"):
        assert site.get(f"/segments/{run.segment_id}/export/{page}?columns=nonsense").status_code == 400


def test_segment_without_a_complete_run_has_nothing_to_export(site: Client) -> None:
    segment = segment_create(name="New", rule=EVERYONE)
    assert site.get(f"/segments/{segment.pk}/export/file").status_code == 404
    assert site.get(f"/segments/{segment.pk}/export").status_code == 200


def test_preview_members_list_and_export_of_every_starter_are_the_same(publish: Any, site: Client) -> None:
    publication = publish_shop(publish)
    assert starters_ensure() == len(STARTERS)
    runs = list(segments_refresh(publication))
    assert [run.error for run in runs if run.error] == []
    counts = {run.segment.name: run.count for run in runs}
    assert sum(count > 0 for count in counts.values()) >= 20
    for run in runs:
        body = {"rule": run.segment.rule}
        preview = site.post("/api/v1/segments/preview", body, content_type="application/json").json()
        listed = site.get(link_to_customers({"segment": {"id": run.segment_id}})).context["page"]
        exported = site.get(f"/segments/{run.segment_id}/export/file?format=csv")
        ids = [line.split(",")[0] for line in b"".join(exported.streaming_content).decode().splitlines()[1:]]
        members = site.get(f"/api/v1/segments/{run.segment_id}/members?limit=1000").json()["members"]
        assert preview["count"] == listed.total == len(ids) == len(members) == run.count, run.segment.name
        assert sorted(ids) == sorted(member["customer_id"] for member in members)
