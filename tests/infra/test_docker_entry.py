"""python -m infra.docker: what containers of our image run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.docker import __main__ as entry
from infra.stack.service import Command, Service, Unhealthy
from infra.stack.stack import Stack, StackError, open_stack


def a_service(**changes: Any) -> Service:
    given: dict[str, Any] = {
        "name": "thing",
        "title": "Thing",
        "needs": (),
        "ports": (),
        "command": lambda stack: Command(("thing", "--go"), {"OF_THE_SERVICE": "yes"}),
        "probe": lambda settings: "all is well",
    }
    return Service(**(given | changes))


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Service]]:
    """Only services of these tests, a clock that does not wait, and a state of their own."""
    services = {"thing": a_service()}
    here = Path.cwd()
    monkeypatch.setattr(entry, "BY_NAME", services)
    monkeypatch.setattr(entry, "PAUSE", 0.0)
    monkeypatch.setenv("CDP_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("CDP_START_TIMEOUT", "1")
    yield services
    os.chdir(here)


def test_serve_becomes_the_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    became: list[Any] = []
    monkeypatch.setenv("OF_THE_CONTAINER", "yes")
    monkeypatch.setattr(os, "execvpe", lambda *given: became.append(given))
    assert entry.main(["serve", "thing"]) == 0
    program, argv, env = became[0]
    assert (program, argv) == ("thing", ("thing", "--go"))
    assert env["OF_THE_SERVICE"] == env["OF_THE_CONTAINER"] == "yes"
    assert env["CDP_VAR_DIR"] == str(tmp_path)
    assert Path.cwd() == tmp_path / os.environ["CDP_STACK"] / "run" / "thing"


def test_prepare_waits_for_a_server_that_comes_up(known: dict[str, Service]) -> None:
    tries: list[Stack] = []

    def work(stack: Stack) -> None:
        tries.append(stack)
        if len(tries) < 3:
            raise Unhealthy("not yet")

    known["thing"] = a_service(prepare=work)
    assert entry.main(["prepare", "thing"]) == 0
    assert len(tries) == 3


def test_prepare_trusts_no_stamp_of_an_older_store(known: dict[str, Service]) -> None:
    found: list[bool] = []
    known["thing"] = a_service(prepare=lambda stack: found.append(stack.stamp("tables").exists()))
    stack = open_stack()
    stack.run_dir.mkdir(parents=True)
    stack.stamp("tables").write_text("done")
    assert entry.main(["prepare", "thing"]) == 0
    assert found == [False]


def test_prepare_of_a_service_that_needs_none_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["prepare", "thing"]) == 1
    assert capsys.readouterr().err == "thing: Thing needs no preparation.\n"


def test_probe_asks_once(known: dict[str, Service], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["probe", "thing"]) == 0
    assert capsys.readouterr().out == "all is well\n"

    def probe(settings: object) -> str:
        raise Unhealthy("it does not answer")

    known["thing"] = a_service(probe=probe)
    assert entry.main(["probe", "thing"]) == 1
    assert capsys.readouterr().err == "thing: it does not answer\n"


def test_await_gives_up_with_the_last_finding(
    known: dict[str, Service], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def probe(settings: object) -> str:
        raise Unhealthy("no round trip")

    clock = iter(range(100))
    monkeypatch.setattr("infra.docker.__main__.time.monotonic", lambda: float(next(clock)))
    known["thing"] = a_service(probe=probe)
    assert entry.main(["await", "thing"]) == 1
    assert capsys.readouterr().err == "thing: no round trip\n"


def test_a_failure_is_one_line(known: dict[str, Service], capsys: pytest.CaptureFixture[str]) -> None:
    def work(stack: Stack) -> None:
        raise StackError("Airflow's tables could not be made: no route")

    known["thing"] = a_service(prepare=work)
    assert entry.main(["prepare", "thing"]) == 1
    assert capsys.readouterr().err == "thing: Airflow's tables could not be made: no route\n"


def test_a_wrong_setting_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_WEB_PORT", "many")
    assert entry.main(["probe", "thing"]) == 1
    assert "CDP_WEB_PORT must be a whole number" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["serve"], ["dance", "thing"], ["serve", "thing", "more"]])
def test_wrong_use_says_how(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(arguments) == 2
    assert capsys.readouterr().err == entry.USAGE + "\n"


def test_an_unknown_service_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["serve", "thingy"]) == 2
    assert "Did you mean thing?" in capsys.readouterr().err
