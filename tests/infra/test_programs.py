"""Which servers a command needs before it begins."""

from __future__ import annotations

from infra.stack.programs import LOAD, NIGHT, needs


def test_a_night_can_be_explained_while_what_it_needed_is_away() -> None:
    assert needs(NIGHT, ["--day", "2019-10-31"]) == NIGHT.needs
    assert needs(NIGHT, ["--explain", "--day", "2019-10-31"]) == ("postgres",)


def test_a_dry_run_of_a_load_asks_no_server() -> None:
    assert needs(LOAD, ["shop.csv"]) == ("source", "kafka")
    assert needs(LOAD, ["shop.csv", "--dry-run"]) == ()
