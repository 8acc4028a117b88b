"""Which servers a command needs before it begins."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cdp.settings import load
from infra.stack.programs import LOAD, NIGHT, REPLAY, SEGMENTS, STREAM, Program, needs, remedy, run
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
