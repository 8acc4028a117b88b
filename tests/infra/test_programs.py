"""Which servers a command needs before it starts, and what it reports if one is missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cdp.settings import Settings, load
from infra.stack import programs
from infra.stack.programs import (
    DIFF,
    LOAD,
    NIGHT,
    REPLAY,
    SEGMENT_JOB,
    SEGMENTS,
    STREAM,
    Program,
    find_needs,
    require,
    run,
    suggest_remedy,
)
from infra.stack.service import Unhealthy
from infra.stack.services import BY_NAME, kafka, stores
from infra.stack.stack import Stack, StackError
from infra.stack.supervise import ProcessState


def test_explaining_a_night_needs_fewer_servers_than_the_night() -> None:
    assert find_needs(NIGHT, ["--day", "2019-10-31"]) == NIGHT.needs
    assert find_needs(NIGHT, ["--explain", "--day", "2019-10-31"]) == ("postgres",)


def test_a_dry_run_of_a_load_needs_no_server() -> None:
    assert find_needs(LOAD, ["shop.csv"]) == ("source", "kafka")
    assert find_needs(LOAD, ["shop.csv", "--dry-run"]) == ()


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("program", "wrong", "right", "message"),
    [
        (NIGHT, "--day foo", "--day 2019-10-31", "'foo' is not a day"),
        (NIGHT, "--from 2019-10-31", "--from 2019-10-30 --to 2019-10-31", "--from D --to D"),
        (LOAD, "late.csv", "{tmp}/shop.csv", "late.csv is not a file"),
        (DIFF, "late.csv --table orders", "{tmp}/shop.csv --table orders", "late.csv is not a file"),
        (STREAM, "--or-wait", "--once", "--or-wait goes with --once"),
        (REPLAY, "--reason foo", "--reason missing", "'foo' is not a reason"),
        (SEGMENTS, "refresh --day foo", "refresh", "'foo' is not a day"),
        (SEGMENT_JOB, "--run foo", "--run 7", "'foo' is not a whole number"),
    ],
)
def test_wrong_arguments_are_reported_before_a_missing_server(
    program: Program,
    wrong: str,
    right: str,
    message: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for services in (kafka, stores):
        monkeypatch.setattr(services, "TIMEOUT", 0.5)
    (tmp_path / "shop.csv").touch()
    stack = Stack(load({"CDP_STACK": "words", "CDP_VAR_DIR": str(tmp_path)}))
    assert run(stack, program, wrong.split()) in (1, 2)
    assert message in capfd.readouterr().err
    with pytest.raises(StackError, match=r"is not available: .*Start it: ./run up "):
        run(stack, program, right.format(tmp=tmp_path).split())
    assert capfd.readouterr().err == ""


def test_the_remedy_for_a_server_that_hangs_is_not_to_start_it() -> None:
    now = time.time()
    assert suggest_remedy("kafka", ProcessState("STOPPED", 0, 0, "")) == "Start it: ./run up kafka"
    assert suggest_remedy("kafka", ProcessState("RUNNING", 7, now - 3, "")) == "Start it: ./run up kafka"
    hanging = suggest_remedy("kafka", ProcessState("RUNNING", 7, now - 300, ""))
    assert "./run logs kafka" in hanging
    assert "kill -9 7" in hanging
    assert "./run up" not in hanging


def _make_probe(problem: str, remedy: str = "") -> Callable[[Settings], str]:
    def probe(settings: Settings) -> str:
        if problem:
            raise Unhealthy(problem, remedy)
        return "well"

    return probe


@pytest.mark.parametrize(
    ("namenode", "datanode", "message"),
    [
        ("", "timed out", "HDFS DataNode 2 is not available: timed out. Start it: ./run up datanode2"),
        ("", "", "HDFS NameNode is not ready: 1 of 2 alive. Next: ./run status"),
        ("refused", "the NameNode does not answer", "HDFS NameNode is not available: 1 of 2 alive. Start it: ./run up namenode"),
    ],
)
def test_a_datanode_that_hangs_is_not_blamed_on_the_namenode(
    namenode: str, datanode: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = {
        "namenode": replace(BY_NAME["namenode"], probe=_make_probe("1 of 2 alive", "./run status"), ready=_make_probe(namenode)),
        "datanode1": replace(BY_NAME["datanode1"], probe=_make_probe("")),
        "datanode2": replace(BY_NAME["datanode2"], probe=_make_probe(datanode)),
    }
    monkeypatch.setattr(programs, "BY_NAME", services)
    with pytest.raises(StackError) as error:
        require(Stack(load({"CDP_STACK": "words", "CDP_VAR_DIR": str(tmp_path)})), ("namenode",))
    assert str(error.value) == message


def test_a_probe_that_raises_makes_its_service_unhealthy() -> None:
    def probe(settings: Settings) -> str:
        raise KeyError("datasets")

    with pytest.raises(Unhealthy) as error:
        replace(BY_NAME["source"], probe=probe).check_health(load({}))
    assert (error.value.wrong, error.value.remedy) == ("KeyError: 'datasets'", "./run logs source")
