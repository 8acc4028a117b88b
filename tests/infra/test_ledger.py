"""./run ledger runs two programs: the second gets the count of the first, and either one's wrong sum is the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.stack import ledger, programs
from infra.stack.programs import SOURCE_LEDGER, STREAM_LEDGER, Program
from infra.stack.stack import Stack, StackError, open_stack


class Halves:
    """Stand-ins for the two programs: they return these results, and record their arguments."""

    def __init__(self, source: int | str, stream: int | str) -> None:
        self.answers = {SOURCE_LEDGER.argv: source, STREAM_LEDGER.argv: stream}
        self.arguments: list[list[str]] = []

    def run(self, stack: Stack, program: Program, arguments: list[str]) -> int:
        *rest, _, file = arguments
        self.arguments.append(rest)
        answer = self.answers[program.argv]
        if isinstance(answer, str):
            raise StackError(answer)
        Path(file).write_text(json.dumps({"acknowledged": 7}))
        return answer


@pytest.mark.parametrize(("source", "stream", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 1)])
def test_a_sum_that_is_off_in_either_half_is_the_status(
    source: int, stream: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    halves = Halves(source, stream)
    monkeypatch.setattr(programs, "run", halves.run)
    assert ledger.show(open_stack(), recount=True) == code
    assert halves.arguments == [[], ["--acknowledged", "7", "--recount"]]
    capsys.readouterr()
    assert ledger.show_json(open_stack(), recount=False) == code
    assert halves.arguments[2:] == [["--quiet"], ["--quiet", "--acknowledged", "7"]]
    result = json.loads(capsys.readouterr().out)
    assert result == {"adds_up": code == 0, "source": {"acknowledged": 7}, "stream": {"acknowledged": 7}}


def test_each_half_runs_if_a_server_of_the_other_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    halves = Halves(0, "Postgres is not available")
    monkeypatch.setattr(programs, "run", halves.run)
    assert ledger.show(open_stack(), recount=False) == 1
    assert capsys.readouterr().err == "run: Postgres is not available\n"
    other_way = Halves("Source is not available", 0)
    monkeypatch.setattr(programs, "run", other_way.run)
    assert ledger.show(open_stack(), recount=False) == 1
    assert other_way.arguments == [[], []]
