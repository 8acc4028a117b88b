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
