"""Which servers a command needs before it begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cdp.settings import Settings, load
from infra.stack import programs
from infra.stack.programs import LOAD, NIGHT, REPLAY, SEGMENTS, STREAM, Program, needs, remedy, require, run
from infra.stack.service import Unhealthy
from infra.stack.services import BY_NAME
from infra.stack.stack import Stack, StackError
from infra.stack.supervise import ProcessState


def test_a_night_can_be_explained_while_what_it_needed_is_away() -> None:
    assert needs(NIGHT, ["--day", "2019-10-31"]) == NIGHT.needs
    assert needs(NIGHT, ["--explain", "--day", "2019-10-31"]) == ("postgres",)


def test_a_dry_run_of_a_load_asks_no_server() -> None:
    assert needs(LOAD, ["shop.csv"]) == ("source", "kafka")
    assert needs(LOAD, ["shop.csv", "--dry-run"]) == ()


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("program", "wrong", "right", "says"),
    [
        (NIGHT, "--day foo", "--day 2019-10-31", "'foo' is not a day"),
        (NIGHT, "--from 2019-10-31", "--from 2019-10-30 --to 2019-10-31", "say which day"),
        (LOAD, "late.csv", "{tmp}/shop.csv", "late.csv is not a file"),
        (STREAM, "--or-wait", "--once", "--or-wait goes with --once"),
        (REPLAY, "--reason foo", "--reason missing", "'foo' is not a reason"),
        (SEGMENTS, "refresh --day foo", "refresh", "'foo' is not a day"),
    ],
)
def test_wrong_words_are_told_before_a_server_that_is_away(
    program: Program, wrong: str, right: str, says: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.csv").touch()
    stack = Stack(load({"CDP_STACK": "words", "CDP_VAR_DIR": str(tmp_path)}))
    assert run(stack, program, wrong.split()) in (1, 2)
    assert says in capfd.readouterr().err
    with pytest.raises(StackError, match=r"is not there: .*Start it: ./run up "):
        run(stack, program, right.format(tmp=tmp_path).split())
    assert capfd.readouterr().err == ""


def test_a_server_that_runs_and_does_not_answer_is_not_to_be_started() -> None:
    now = time.time()
    assert remedy("kafka", ProcessState("STOPPED", 0, 0, "")) == "Start it: ./run up kafka"
    assert remedy("kafka", ProcessState("RUNNING", 7, now - 3, "")) == "Start it: ./run up kafka"
    said = "It runs and does not answer: ./run logs kafka; if it hangs, kill -9 7 brings it back"
    assert remedy("kafka", ProcessState("RUNNING", 7, now - 300, "")) == said


def _says(wrong: str, then: str = "") -> Callable[[Settings], str]:
    def probe(settings: Settings) -> str:
        if wrong:
            raise Unhealthy(wrong, then)
        return "well"

    return probe


@pytest.mark.parametrize(
    ("answers", "datanode", "says"),
    [
        ("", "timed out", "HDFS DataNode 2 is not there: timed out. Start it: ./run up datanode2"),
        ("", "", "HDFS NameNode is not ready: 1 of 2 alive. See: ./run status"),
        ("refused", "the NameNode does not answer", "HDFS NameNode is not there: 1 of 2 alive. Start it: ./run up namenode"),
    ],
)
def test_a_datanode_that_hangs_is_not_blamed_on_the_namenode(
    answers: str, datanode: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {
        "namenode": replace(BY_NAME["namenode"], probe=_says("1 of 2 alive", "./run status"), ready=_says(answers)),
        "datanode1": replace(BY_NAME["datanode1"], probe=_says("")),
        "datanode2": replace(BY_NAME["datanode2"], probe=_says(datanode)),
    }
    monkeypatch.setattr(programs, "BY_NAME", changed)
    with pytest.raises(StackError) as error:
        require(Stack(load({"CDP_STACK": "words", "CDP_VAR_DIR": str(tmp_path)})), ("namenode",))
    assert str(error.value) == says


def test_a_probe_that_falls_over_is_an_illness_of_its_service() -> None:
    def probe(settings: Settings) -> str:
        raise KeyError("datasets")

    with pytest.raises(Unhealthy) as found:
        replace(BY_NAME["source"], probe=probe).health(load({}))
    assert (found.value.wrong, found.value.remedy) == ("KeyError: 'datasets'", "./run logs source")
