"""Whether the connector is well, judged from recorded answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from infra.connect.database import SlotFacts
from infra.connect.health import HEARTBEAT_LIMIT, ConnectorFacts, Finding, find_first_problem, judge
from infra.connect.problems import Problem
from tests.infra.connect import recorded
from tests.infra.connect.recorded import RUNNING, make_status
from tests.infra.connect.test_problems import GOOD, SHOP

NOW = recorded.STREAMING["ts_usec"] / 1e6 + 4
DATABASE = replace(GOOD, now=NOW, slot=SlotFacts(True, "reserved", 900, 4096))
WELL = ConnectorFacts(make_status(RUNNING), SHOP, (recorded.STREAMING,), DATABASE)


def judge_first(facts: ConnectorFacts) -> Finding:
    problem = find_first_problem(judge(facts))
    assert problem
    return problem


def test_all_is_well() -> None:
    findings = judge(WELL)
    assert [finding.what for finding in findings] == ["connector", "database", "topics", "task", "slot", "heartbeat"]
    assert all(finding.ok for finding in findings)


def test_nothing_is_registered() -> None:
    assert judge(ConnectorFacts(None)) == (Finding("connector", "none is registered", "./run connect"),)


def make_failed_status(trace: str) -> dict[str, Any]:
    return make_status(RUNNING | {"state": "FAILED", "trace": trace})


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (replace(WELL, status=make_status()), "task"),  # RUNNING without a task: it waits for the slot
        (replace(WELL, status=make_failed_status(recorded.LARGE_ROW)), "task"),
        (replace(WELL, status=make_status(RUNNING, state="STOPPED")), "connector"),
        (replace(WELL, status=make_status(RUNNING, state="PAUSED")), "connector"),
        (replace(WELL, database=replace(DATABASE, slot=None)), "slot"),
        (replace(WELL, database=replace(DATABASE, slot=SlotFacts(False, "reserved", 0, 0))), "slot"),
        (replace(WELL, database=replace(DATABASE, slot=SlotFacts(False, "lost", 0, 0))), "slot"),
        (replace(WELL, offsets=(), database=replace(DATABASE, slot=SlotFacts(True, "reserved", 0, 0, complete=False))), "slot"),
        (replace(WELL, database=replace(DATABASE, now=NOW + HEARTBEAT_LIMIT)), "heartbeat"),
        (replace(WELL, offsets=({},)), "heartbeat"),
        (replace(WELL, missing_topics=("cdc.shop.orders",)), "topics"),
        (replace(WELL, missing_topics=None), "topics"),
        (replace(WELL, database=replace(DATABASE, may_replicate=False)), "database"),
        (replace(WELL, database=None, no_database=Problem("it is away", "start it")), "database"),
    ],
)
def test_running_proves_nothing(facts: ConnectorFacts, what: str) -> None:
    assert judge_first(facts).what == what


def test_the_trace_of_a_task_is_one_line() -> None:
    finding = judge_first(replace(WELL, status=make_failed_status(recorded.UNKNOWN_TRACE)))
    assert finding.value == "failed: DebeziumException: something that nobody has seen yet"
    assert "\n" not in finding.value


def test_a_cause_comes_before_its_consequences() -> None:
    """Without the right, the slot is not read and no heartbeat comes; the first line says what to do."""
    database = replace(DATABASE, may_replicate=False, slot=SlotFacts(False, "reserved", 0, 0), now=NOW + 60)
    findings = judge(replace(WELL, database=database))
    assert [finding.what for finding in findings if not finding.ok] == ["database", "slot", "heartbeat"]


def test_a_lost_slot_is_the_cause_of_a_missing_task() -> None:
    database = replace(DATABASE, slot=SlotFacts(False, "lost", 0, 0), now=NOW + 60)
    findings = judge(replace(WELL, status=make_status(), database=database))
    assert [finding.what for finding in findings if not finding.ok] == ["slot", "task", "heartbeat"]


@pytest.mark.parametrize("offsets", [(), (recorded.IN_SNAPSHOT,)])
def test_the_first_reading_of_all_rows_has_no_heartbeat(offsets: tuple[dict[str, Any], ...]) -> None:
    assert find_first_problem(judge(replace(WELL, offsets=offsets, database=replace(DATABASE, now=NOW + 3600)))) is None


def test_a_lost_publication_asks_for_a_snapshot() -> None:
    finding = judge_first(replace(WELL, database=replace(DATABASE, publication=None)))
    assert "./run connect snapshot" in finding.remedy


def test_a_stopped_connector_is_not_asked_for_its_task() -> None:
    findings = judge(replace(WELL, status=make_status(state="STOPPED")))
    assert [finding.what for finding in findings] == ["connector", "database", "topics"]
