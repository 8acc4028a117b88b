"""Which servers a command needs before it begins."""

from __future__ import annotations

import time

from infra.stack.programs import LOAD, NIGHT, needs, remedy
from infra.stack.supervise import ProcessState


def test_a_night_can_be_explained_while_what_it_needed_is_away() -> None:
    assert needs(NIGHT, ["--day", "2019-10-31"]) == NIGHT.needs
    assert needs(NIGHT, ["--explain", "--day", "2019-10-31"]) == ("postgres",)


def test_a_dry_run_of_a_load_asks_no_server() -> None:
    assert needs(LOAD, ["shop.csv"]) == ("source", "kafka")
    assert needs(LOAD, ["shop.csv", "--dry-run"]) == ()


def test_a_server_that_runs_and_does_not_answer_is_not_to_be_started() -> None:
    now = time.time()
    assert remedy("kafka", ProcessState("STOPPED", 0, 0, "")) == "Start it: ./run up kafka"
    assert remedy("kafka", ProcessState("RUNNING", 7, now - 3, "")) == "Start it: ./run up kafka"
    said = "It runs and does not answer: ./run logs kafka; if it hangs, kill -9 7 brings it back"
    assert remedy("kafka", ProcessState("RUNNING", 7, now - 300, "")) == said
