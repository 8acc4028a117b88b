"""./run ledger puts two programs together: the second hears what the first counted, and either can say that a sum is off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.stack import ledger, programs
from infra.stack.programs import SOURCE_LEDGER, STREAM_LEDGER, Program
from infra.stack.stack import Stack, StackError, open_stack


class Halves:
    """Programs that answer as they are told to, and what they were asked."""

    def __init__(self, source: int | str, stream: int | str) -> None:
        self.answers = {SOURCE_LEDGER.argv: source, STREAM_LEDGER.argv: stream}
        self.asked: list[list[str]] = []

    def run(self, stack: Stack, program: Program, arguments: list[str]) -> int:
        *rest, _, file = arguments
        self.asked.append(rest)
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
    assert halves.asked == [[], ["--acknowledged", "7", "--recount"]]
    capsys.readouterr()
    assert ledger.show_json(open_stack(), recount=False) == code
    assert halves.asked[2:] == [["--quiet"], ["--quiet", "--acknowledged", "7"]]
    told = json.loads(capsys.readouterr().out)
    assert told == {"adds_up": code == 0, "source": {"acknowledged": 7}, "stream": {"acknowledged": 7}}


def test_each_half_is_told_where_a_server_of_the_other_is_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    halves = Halves(0, "Postgres is not there")
    monkeypatch.setattr(programs, "run", halves.run)
    assert ledger.show(open_stack(), recount=False) == 1
    assert capsys.readouterr().err == "run: Postgres is not there\n"
    other_way = Halves("Source is not there", 0)
    monkeypatch.setattr(programs, "run", other_way.run)
    assert ledger.show(open_stack(), recount=False) == 1
    assert other_way.asked == [[], []]
