"""What a person sees of the steps."""

from __future__ import annotations

import pytest

from batch.steps import StepFailed, Steps


def test_step_says_its_name_its_time_and_what_was_noted() -> None:
    lines: list[str] = []
    steps = Steps(lines.append)
    with steps.step("customers") as note:
        note("3 customers")
        note("version 1")
    assert lines == ["  customers       0.0 s  3 customers, version 1"]
    assert steps.seconds == {"customers": 0.0}


def test_failed_step_carries_its_name_and_its_cause() -> None:
    lines: list[str] = []
    with pytest.raises(StepFailed, match=r"^staging$") as failed, Steps(lines.append).step("staging"):
        raise ValueError("why")
    assert isinstance(failed.value.__cause__, ValueError)
    assert lines == []
