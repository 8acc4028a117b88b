"""What ./run test makes of its arguments, and of the reports of pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp.settings import REPOSITORY
from infra.stack import checks
from infra.stack.checks import ALL_EXAMPLES, LANES, NO_SERVERS, SERVERS, SITE_AND_NIGHTS, read_times
from infra.stack.stack import StackError


@pytest.mark.parametrize("arguments", [["--quick", "--all"], ["--quick", "-k", "rules"], ["--all", "tests/cdp"]])
def test_quick_all_and_a_choice_of_tests_exclude_each_other(arguments: list[str]) -> None:
    with pytest.raises(StackError):
        checks.test(arguments)


def test_lanes_hold_each_test_once_and_leave_out_slow_ones(tmp_path: Path) -> None:
    paths = SITE_AND_NIGHTS.paths
    assert [lane.paths for lane in LANES] == [tuple(f"--ignore={path}" for path in paths), (), paths]
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []
    assert SITE_AND_NIGHTS.marks == SERVERS.marks
    assert NO_SERVERS.marks == f"not ({SERVERS.marks})"
    assert f"({SERVERS.marks}) and not slow" in SERVERS.command(tmp_path, with_slow=False)
    assert SERVERS.marks in SERVERS.command(tmp_path, with_slow=True)
    examples = f"--hypothesis-profile={ALL_EXAMPLES}"
    assert [examples in SERVERS.command(tmp_path, with_slow) for with_slow in (False, True)] == [False, True]
    assert SITE_AND_NIGHTS.stack != SERVERS.stack


def test_seconds_are_added_up_per_file(tmp_path: Path) -> None:
    reports = []
    for lane, cases in {"a": [("one", 1.25), ("two", 3)], "b": [("one", 4)]}.items():
        lines = "".join(f'<testcase file="{file}" name="x" time="{seconds}"/>' for file, seconds in cases)
        reports.append(tmp_path / lane)
        reports[-1].write_text(f"<testsuites><testsuite>{lines}</testsuite></testsuites>")
    times = read_times(reports)
    assert list(times.items()) == [("one", 5.2), ("two", 3.0)]
