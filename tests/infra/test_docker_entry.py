"""python -m infra.docker: the program that containers of our image run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.docker import __main__ as entry
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.stack import Stack, StackError, open_stack


def make_service(**changes: Any) -> Service:
    fields: dict[str, Any] = {
        "name": "thing",
        "title": "Thing",
        "needs": (),
        "ports": (),
        "command": lambda stack: StartCommand(("thing", "--go"), {"OF_THE_SERVICE": "yes"}),
        "probe": lambda settings: "all is well",
    }
    return Service(**(fields | changes))


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Service]]:
    """Only the services of these tests, no waiting, and a state of their own."""
    by_name = {"thing": make_service()}
    before = Path.cwd()
    monkeypatch.setattr(entry, "BY_NAME", by_name)
    monkeypatch.setattr(entry, "PAUSE", 0.0)
    monkeypatch.setenv("CDP_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("CDP_START_TIMEOUT", "1")
    yield by_name
    os.chdir(before)


def test_serve_becomes_the_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    executed: list[Any] = []
    monkeypatch.setenv("OF_THE_CONTAINER", "yes")
    monkeypatch.setattr(os, "execvpe", lambda *arguments: executed.append(arguments))
    assert entry.main(["serve", "thing"]) == 0
    program, argv, env = executed[0]
    assert (program, argv) == ("thing", ("thing", "--go"))
    assert env["OF_THE_SERVICE"] == env["OF_THE_CONTAINER"] == "yes"
    assert env["CDP_VAR_DIR"] == str(tmp_path)
    assert Path.cwd() == tmp_path / os.environ["CDP_STACK"] / "run" / "thing"


def test_prepare_waits_for_a_server_that_is_starting(services: dict[str, Service]) -> None:
    tries: list[Stack] = []

    def work(stack: Stack) -> None:
        tries.append(stack)
        if len(tries) < 3:
            raise Unhealthy("not yet")

    services["thing"] = make_service(prepare=work)
    assert entry.main(["prepare", "thing"]) == 0
    assert len(tries) == 3


def test_prepare_trusts_no_stamp_of_an_older_store(services: dict[str, Service]) -> None:
    stamps: list[bool] = []
    services["thing"] = make_service(prepare=lambda stack: stamps.append(stack.stamp_file("tables").exists()))
    stack = open_stack()
    stack.run_dir.mkdir(parents=True)
    stack.stamp_file("tables").write_text("done")
    assert entry.main(["prepare", "thing"]) == 0
    assert stamps == [False]


def test_prepare_of_a_service_that_needs_none_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["prepare", "thing"]) == 1
    assert capsys.readouterr().err == "thing: Thing needs no preparation.\n"


def test_probe_asks_once(services: dict[str, Service], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["probe", "thing"]) == 0
    assert capsys.readouterr().out == "all is well\n"

    def probe(settings: object) -> str:
        raise Unhealthy("it does not answer")

    services["thing"] = make_service(probe=probe)
    assert entry.main(["probe", "thing"]) == 1
    assert capsys.readouterr().err == "thing: it does not answer\n"


def test_await_gives_up_with_the_last_problem(
    services: dict[str, Service], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def probe(settings: object) -> str:
        raise Unhealthy("no round trip")

    clock = iter(range(100))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    services["thing"] = make_service(probe=probe)
    assert entry.main(["await", "thing"]) == 1
    assert capsys.readouterr().err == "thing: no round trip\n"


def test_a_failure_is_one_line(services: dict[str, Service], capsys: pytest.CaptureFixture[str]) -> None:
    def work(stack: Stack) -> None:
        raise StackError("Airflow's tables could not be created: no route")

    services["thing"] = make_service(prepare=work)
    assert entry.main(["prepare", "thing"]) == 1
    assert capsys.readouterr().err == "thing: Airflow's tables could not be created: no route\n"


def test_a_wrong_setting_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_WEB_PORT", "many")
    assert entry.main(["probe", "thing"]) == 1
    assert "CDP_WEB_PORT must be a whole number" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["serve"], ["dance", "thing"], ["serve", "thing", "more"]])
def test_wrong_arguments_print_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(arguments) == 2
    assert capsys.readouterr().err == entry.USAGE + "\n"


def test_an_unknown_service_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["serve", "thingy"]) == 2
    assert "did you mean 'thing'?" in capsys.readouterr().err
