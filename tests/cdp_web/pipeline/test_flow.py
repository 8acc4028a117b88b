"""The way of the events as equations, the hours of the stream and the states of servers, on hand-made figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cdp_web.pipeline.flow import make_hops
from cdp_web.pipeline.ledger_read import LedgerFigures
from cdp_web.pipeline.probes import Finding, carry_since
from cdp_web.pipeline.stream_read import StreamHour, fill_hours

RIGHT = LedgerFigures(
    received=100, good=95, quarantined=5, event_rows=94, dropped=3, quarantine_rows=5, replayed_events=2, published_rows=90,
    published_events=88, snapshot_events=88, new_customers=10, snapshot_customers=10, profiles=10,
)  # fmt: skip


def list_wrong(figures: LedgerFigures) -> list[int]:
    """The positions of the hops whose sides differ."""
    return [number for number, hop in enumerate(make_hops(figures)) if not hop.is_right]


def test_right_figures_agree_at_every_hop() -> None:
    hops = make_hops(RIGHT)
    assert len(hops) == 6
    assert list_wrong(RIGHT) == []
    assert [part.count for part in hops[3].right] == [88, 2]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"received": 101}, [0]),
        ({"good": 94}, [0, 1]),
        ({"event_rows": 93}, [1]),
        ({"event_rows": 95}, [1]),
        ({"event_rows": 95, "claimed": 1}, []),
        ({"quarantine_rows": 4}, [2]),
        ({"published_rows": 87}, [3]),
        ({"snapshot_events": 87}, [4]),
        ({"profiles": 9}, [5]),
    ],
)
def test_a_wrong_count_is_shown_at_its_hop(changes: dict[str, int], wrong: list[int]) -> None:
    assert list_wrong(replace(RIGHT, **changes)) == wrong


def test_hops_of_stores_without_figures_are_left_out() -> None:
    assert len(make_hops(LedgerFigures(received=1, good=1, event_rows=1))) == 3


def test_hours_without_messages_are_filled() -> None:
    first = datetime(2019, 10, 1, 8, tzinfo=UTC)
    hours = [StreamHour(first + timedelta(hours=back), 10, 9, 1) for back in (3, 0)]
    assert [hour.received for hour in fill_hours(hours, least=2)] == [10, 0, 0, 10]
    assert [hour.received for hour in fill_hours(hours, least=5)] == [0, 10, 0, 0, 10]
    assert [hour.received for hour in fill_hours(hours, least=1, most=2)] == [0, 10]
    assert fill_hours([]) == []


def test_a_server_keeps_the_time_of_its_last_change() -> None:
    before = {"kafka": {"state": "healthy", "since": "1"}, "hdfs": {"state": "healthy", "since": "1"}}
    findings = {"kafka": Finding("healthy", "again"), "hdfs": Finding("unhealthy", "gone"), "spark": Finding("healthy", "new")}
    after = carry_since(before, findings, "2")
    assert {key: (each["state"], each["since"]) for key, each in after.items()} == {
        "kafka": ("healthy", "1"), "hdfs": ("unhealthy", "2"), "spark": ("healthy", "2"),
    }  # fmt: skip
