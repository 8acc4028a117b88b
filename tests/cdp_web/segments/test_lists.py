from __future__ import annotations

import io
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from cdp_web.segments import lists
from cdp_web.segments.list_selectors import ids_get, match_get
from cdp_web.segments.lists import (
    ListInUse,
    TooManyIds,
    list_append,
    list_create,
    list_delete,
    list_remove_ids,
    list_replace,
    matches_update,
)
from cdp_web.segments.models import CustomerList, Membership, Segment, SegmentRun
from cdp_web.segments.preview import segment_preview
from cdp_web.segments.rules import references_read, rule_read
from cdp_web.segments.runs import segment_run_execute, segment_run_now
from cdp_web.segments.selectors import list_get_dependents, lists_get_users
from cdp_web.segments.services import segment_archive, segment_create
from cdp_web.segments.uploads import UploadInvalid, read_items, read_stream, read_text
from cdp_web.serving.errors import SnapshotUnavailable
from cdp_web.serving.snapshot_query import snapshot_open
from tests.cdp_web.factories import buyer, customer, is_, rule

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]


def make_list(*ids: str, name: str = "Guests") -> CustomerList:
    return list_create(name=name, upload=read_items(ids))


def read_ids(customer_list: CustomerList) -> list[str]:
    return ids_get(customer_list.pk, limit=1000)


def in_list(customer_list: CustomerList) -> dict[str, Any]:
    return {"list": {"id": customer_list.pk}}


def run_waiting() -> None:
    for run in SegmentRun.objects.filter(status="queued").order_by("pk"):
        segment_run_execute(run_id=run.pk)


class TestChanges:
    def test_a_new_list_with_its_report(self, publish: Any, marketer: User) -> None:
        publish([customer("1"), customer("2"), customer("3")])
        upload = read_text("1\n2\n2\n99\n" + "x" * 501 + "\na\x00b\n1\n")
        created = list_create(name=" Guests ", upload=upload, owner=marketer)
        stored = CustomerList.objects.get()
        assert (stored.name, stored.version, stored.count, stored.owner) == ("Guests", 1, 3, marketer)
        assert stored.report == created.report
        assert stored.report == {
            "change": "create", "column": "", "rows": 7, "ids": 3, "repeated": 2, "refused": 2, "added": 3, "removed": 0,
            "refused_lines": [
                {"line": 5, "id": "x" * 60, "says": "is longer than 500 characters"},
                {"line": 6, "id": "a�b", "says": "contains a control character"},
            ],
            "matched": 2, "unknown": 1, "unknown_ids": ["99"], "publication": 1,
        }  # fmt: skip
        assert read_ids(stored) == ["1", "2", "99"]

    def test_replace_append_and_remove(self) -> None:
        guests = make_list("1", "2", "3")
        other = make_list("1", name="Others")
        replaced = list_replace(customer_list=guests, upload=read_items(["2", "4"]))
        assert (read_ids(guests), replaced.version, replaced.count) == (["2", "4"], 2, 2)
        assert (replaced.report["added"], replaced.report["removed"]) == (1, 2)
        appended = list_append(customer_list=guests, upload=read_items(["4", "5", "5"]))
        assert (read_ids(guests), appended.version, appended.count) == (["2", "4", "5"], 3, 3)
        assert (appended.report["added"], appended.report["repeated"]) == (1, 1)
        removed = list_remove_ids(customer_list=guests, upload=read_items(["2", "77"]))
        assert (read_ids(guests), removed.version, removed.count) == (["4", "5"], 4, 2)
        assert (removed.report["change"], removed.report["removed"]) == ("remove", 1)
        assert read_ids(other) == ["1"]

    @pytest.mark.parametrize("change", [list_replace, list_append, list_remove_ids])
    @pytest.mark.parametrize("content", [b"1\n7\n\xff\n", b"", b"\n \n", b"x" * 501])
    def test_a_failed_upload_changes_nothing(self, publish: Any, change: Any, content: bytes) -> None:
        publish([customer("1")])
        guests = make_list("1", "2")
        segment_create(name="Guests", rule=rule(in_list(guests)))
        SegmentRun.objects.all().delete()
        with pytest.raises(UploadInvalid):
            change(customer_list=guests, upload=read_stream(io.BytesIO(content)))
        stored = CustomerList.objects.get()
        assert (stored.version, stored.count, stored.report) == (1, 2, guests.report)
        assert read_ids(guests) == ["1", "2"]
        assert not SegmentRun.objects.exists()

    def test_a_failed_first_upload_leaves_no_list(self) -> None:
        with pytest.raises(UploadInvalid):
            list_create(name="Guests", upload=read_stream(io.BytesIO(b"1\n\xff")))
        assert not CustomerList.objects.exists()

    @pytest.mark.parametrize("name", ["", "  ", "x" * 121, "GUESTS"])
    def test_a_name_is_required_limited_and_unique(self, name: str) -> None:
        make_list("1")
        with pytest.raises(ValidationError):
            make_list("1", name=name)

    def test_the_number_of_lists_is_limited(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lists, "MAX_LISTS", 1)
        make_list("1")
        with pytest.raises(ValidationError, match="1 lists already"):
            make_list("1", name="Others")

    def test_the_largest_list_in_seconds_and_one_id_more_is_refused(self, publish: Any) -> None:
        publish([customer("5"), customer("77777")])
        content = "".join(f"{number}\n" for number in range(100_000))
        started = time.monotonic()
        created = list_create(name="Large", upload=read_text(content))
        assert time.monotonic() - started < 5
        assert (created.count, created.report["matched"], created.report["unknown"]) == (100_000, 2, 99_998)
        with pytest.raises(TooManyIds) as raised:
            list_create(name="Too large", upload=read_text(content + "100000\n99999\n"))
        assert (raised.value.count, raised.value.limit) == (100_001, 100_000)
        with pytest.raises(TooManyIds) as raised:
            list_append(customer_list=created, upload=read_items(["x", "y", "1"]))
        assert raised.value.count == 100_002
        assert (CustomerList.objects.get().count, ids_get(created.pk, after="99999", limit=9)) == (100_000, [])


class TestMatch:
    def test_a_list_needs_no_publication_and_is_matched_after_the_first(self, publish: Any) -> None:
        guests = make_list("1", "2")
        assert (guests.report["matched"], guests.report["publication"]) == (None, None)
        publish([customer("1")])
        matches_update()
        report = CustomerList.objects.get().report
        assert (report["matched"], report["unknown_ids"], report["publication"], report["rows"]) == (1, ["2"], 1, 2)

    def test_a_snapshot_that_cannot_be_read_does_not_stop_an_upload(self, publish: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        publish([customer("1")])

        def away(_: object) -> None:
            raise SnapshotUnavailable("HDFS is away")

        monkeypatch.setattr("cdp_web.segments.list_selectors.snapshot_open", away)
        assert make_list("1").report["matched"] is None

    def test_ten_unknown_ids_are_named(self, publish: Any) -> None:
        publish([customer("c")])
        match = match_get(make_list("c", *(f"u{number:02}" for number in range(15))))
        assert match
        assert (match.matched, match.unknown, match.unknown_ids) == (1, 15, [f"u{number:02}" for number in range(10)])

    def test_a_newer_upload_keeps_its_report(self, publish: Any) -> None:
        guests = make_list("1")
        list_replace(customer_list=guests, upload=read_items(["2"]))
        publish([customer("1")])
        lists.match_update(guests)
        assert CustomerList.objects.get().report["matched"] is None


class TestUse:
    def test_segments_that_use_a_list_directly_or_through_segments(self) -> None:
        guests, others = make_list("1"), make_list("1", name="Others")
        inner = segment_create(name="Inner", rule=rule(in_list(guests)))
        middle = segment_create(name="Middle", rule=rule({"not": {"segment": {"id": inner.pk}}}))
        outer = segment_create(name="Outer", rule=rule({"segment": {"id": middle.pk}}))
        segment_create(name="Apart", rule=rule(in_list(others)))
        segment_archive(segment=segment_create(name="Archived", rule=rule(in_list(guests))))
        assert list_get_dependents(guests.pk) == [inner, middle, outer]
        assert lists_get_users()[guests.pk] == [inner]

    def test_a_list_in_use_is_not_deleted(self) -> None:
        guests = make_list("1")
        segment = segment_create(name="Guests who buy", rule=rule(in_list(guests)))
        with pytest.raises(ListInUse, match="Guests who buy") as raised:
            list_delete(customer_list=guests)
        assert raised.value.users == [segment]
        segment_archive(segment=segment)
        list_delete(customer_list=guests)
        assert not CustomerList.objects.exists()
        assert read_ids(guests) == []

    def test_a_rule_with_a_list_from_preview_to_members_with_reasons(self, publish: Any, marketer: User) -> None:
        publication = publish([buyer("1"), buyer("2"), buyer("3"), customer("4")])
        guests = make_list("1", "2", "4", "99")
        document = rule(in_list(guests), is_("total_purchase", "ge", 1))
        parsed = rule_read(document)
        preview = segment_preview(snapshot_open(publication), parsed, references_read(parsed))
        assert (preview.count, {node.path: node.count for node in preview.nodes}["rule.all[0]"]) == (2, 3)
        segment = segment_create(name="Guests who buy", rule=document)
        other = segment_create(
            name="Other buyers", rule=rule(is_("total_purchase", "ge", 1), {"not": {"segment": {"id": segment.pk}}})
        )
        run_waiting()
        assert segment.runs.get().count == preview.count
        list_replace(customer_list=guests, upload=read_items(["2", "3"]), author=marketer)
        waiting = SegmentRun.objects.filter(status="queued")
        assert {run.segment_id for run in waiting} == {segment.pk, other.pk}
        assert {run.requested_by for run in waiting} == {marketer}
        run_waiting()
        assert read_stays(segment) == [("1", "created", "list"), ("2", "created", ""), ("3", "list", "")]
        assert read_stays(other) == [("1", "list", ""), ("3", "created", "list")]
        assert segment.runs.first().references["lists"] == {str(guests.pk): 2}  # type: ignore[union-attr]

    def test_a_change_without_a_publication_requests_no_run(self) -> None:
        guests = make_list("1")
        segment_create(name="Guests", rule=rule(in_list(guests)))
        assert list_append(customer_list=guests, upload=read_items(["2"])).count == 2
        assert not SegmentRun.objects.exists()

    def test_an_upload_during_a_run_leads_to_another_run(self, publish: Any) -> None:
        publication = publish([customer("1"), customer("2")])
        guests = make_list("1")
        segment = segment_create(name="Guests", rule=rule(in_list(guests)))
        SegmentRun.objects.update(status="running")
        list_append(customer_list=guests, upload=read_items(["2"]))
        assert segment.runs.filter(status="queued").count() == 1
        assert segment_run_now(segment=segment, publication=publication).count == 2


def read_stays(segment: Segment) -> list[tuple[str, str, str]]:
    stays = Membership.objects.filter(segment=segment).order_by("customer_id", "pk")
    return list(stays.values_list("customer_id", "entered_reason", "left_reason"))
