"""Processor time of programs whose processes come and go, and what a benchmark reads from a program's lines."""

from __future__ import annotations

import pytest

from benchmarks.processor import DRIVER, EXECUTOR, PYTHON, WORKERS, ProcessorTimes, classify_command
from benchmarks.stream_program import Line, ProgramRun
from benchmarks.stream_steps import cut_ranges, find_spans
from streaming.messages import OffsetRange, Topic


def test_process_that_has_ended_keeps_its_last_value() -> None:
    times = ProcessorTimes()
    times.add_look(0.0, {1: (PYTHON, 1.0)})
    times.add_look(1.0, {1: (PYTHON, 2.0), 2: (WORKERS, 0.5)})
    times.add_look(2.0, {1: (PYTHON, 2.5), 3: (WORKERS, 0.25)})
    assert times.sum_between(0.0, 2.0) == {PYTHON: 1.5, WORKERS: 0.75}


def test_moment_between_two_looks_is_interpolated() -> None:
    times = ProcessorTimes()
    times.add_look(10.0, {1: (EXECUTOR, 4.0)})
    times.add_look(12.0, {1: (EXECUTOR, 8.0)})
    assert times.sum_between(10.5, 11.5)[EXECUTOR] == pytest.approx(2.0)
    assert times.sum_between(11.5, 99.0)[EXECUTOR] == pytest.approx(1.0)


def test_process_that_becomes_a_jvm_moves_with_all_its_time() -> None:
    times = ProcessorTimes()
    times.add_look(0.0, {})
    times.add_look(1.0, {1: (PYTHON, 0.5)})
    times.add_look(2.0, {1: (DRIVER, 3.0)})
    assert times.sum_between(0.0, 2.0) == {DRIVER: 3.0, PYTHON: 0.0}


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("java -cp x org.apache.spark.executor.CoarseGrainedExecutorBackend --driver-url y", EXECUTOR),
        ("java -cp x org.apache.spark.deploy.SparkSubmit pyspark-shell", DRIVER),
        ("python -m pyspark.daemon pyspark.worker", WORKERS),
        ("python -m streaming --once", PYTHON),
        ("", PYTHON),
    ],
)
def test_kind_of_a_process(command: str, kind: str) -> None:
    assert classify_command(command) == kind


def test_span_of_the_work_ends_when_the_program_says_so() -> None:
    run = ProgramRun([Line(3.0, "stream: batch 0"), Line(9.0, "took 4.50 s")], 0.0, 12.0, ProcessorTimes(), {})
    assert run.span == (4.5, 9.0)


def test_spans_of_steps() -> None:
    texts = ["messages 5", "fetch begins", "fetch ends", "fetch begins", "fetch ends", "read begins", "read ends"]
    spans = find_spans([Line(float(at), text) for at, text in enumerate(texts)])
    assert spans == {"fetch": [(1.0, 2.0), (3.0, 4.0)], "read": [(5.0, 6.0)]}


def test_first_messages_of_each_partition() -> None:
    topic = Topic("t", "id", {0: OffsetRange("t", 0, 10, 500), 1: OffsetRange("t", 1, 0, 20)})
    assert cut_ranges(topic, 100) == [OffsetRange("t", 0, 10, 60), OffsetRange("t", 1, 0, 20)]
