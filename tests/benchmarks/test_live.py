"""What the benchmark of the live numbers reads from a trial."""

from __future__ import annotations

import pytest

from benchmarks.live_trial import LiveBatch, Trial


def make_trial(delay: float, share: float = 1.0) -> Trial:
    """Ten events a second for a minute from second 100 on, after 500 others. A batch a second has `share` of what was sent until
    `delay` before."""
    totals = [(second, 500 + round(10 * share * min(60, max(0, second - delay)))) for second in range(1, 90)]
    return Trial(10, 60, 100, 500, [LiveBatch(100 + second, total, {}) for second, total in totals])


def test_a_constant_delay_is_a_flat_lag() -> None:
    assert make_trial(delay=3).growth == pytest.approx(0)
    assert make_trial(delay=3).is_flat


def test_a_program_that_reads_nine_of_ten_falls_behind() -> None:
    trial = make_trial(delay=1, share=0.9)
    assert trial.growth == pytest.approx(0.1)
    assert not trial.is_flat


def test_a_program_without_a_batch_is_not_flat() -> None:
    assert not Trial(10, 60, 100, 500, []).is_flat


def test_the_age_of_an_event_is_the_time_until_its_batch_is_written() -> None:
    ages = make_trial(delay=3).ages
    assert len(ages) == 600
    assert min(ages) == pytest.approx(3.1)
    assert max(ages) == pytest.approx(4)
