"""The lines of the steps, and the error of a failed step."""

from __future__ import annotations

import pytest

from batch.steps import StepFailed, Steps


def test_line_of_a_step_has_its_name_its_seconds_and_its_notes() -> None:
    lines: list[str] = []
    steps = Steps(lines.append)
    with steps.step("customers") as note:
        note("3 customers")
        note("version 1")
    assert lines == ["  customers       0.0 s  3 customers, version 1"]
    assert steps.seconds == {"customers": 0.0}


def test_failed_step_carries_its_name_and_its_cause() -> None:
    lines: list[str] = []
    with pytest.raises(StepFailed, match=r"^staging$") as error, Steps(lines.append).step("staging"):
        raise ValueError("why")
    assert isinstance(error.value.__cause__, ValueError)
    assert lines == []


def test_steps_may_be_left_out_but_not_run_out_of_order() -> None:
    steps = Steps(lambda line: None, order=("plan", "kpi_day", "staging", "gate"))
    for name in ("plan", "staging"):
        with steps.step(name):
            pass
    for name in ("staging", "kpi_day", "another"):
        with pytest.raises(ValueError, match=f"step {name} is not one of the next steps: gate"), steps.step(name):
            pass
    assert [*steps.seconds] == ["plan", "staging"]
