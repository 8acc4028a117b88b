"""The stream as a service: ./run up stream. A plain ./run up leaves it out, because it holds cores and memory all the time."""

from __future__ import annotations

import sys

from cdp.programs import STREAM_NEEDS_PERSON
from cdp.settings import Settings
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.services import spark
from infra.stack.stack import Stack
from infra.stack.stream_progress import stream_state


def _command(stack: Stack) -> StartCommand:
    return StartCommand((sys.executable, "-m", "streaming"), spark.build_environment(stack) | {"PROGRAM_NAME": "./run stream"})


def _probe(settings: Settings) -> str:
    """The stream holds its lock. ./run status shows its progress in a line of its own."""
    state = stream_state(settings)
    if state.unknown:
        raise Unhealthy(state.unknown, "./run status postgres kafka")
    if not state.runs:
        raise Unhealthy("it has not taken its lock in Postgres", "./run logs stream")
    return f"last batch {state.progress.batch}" if state.progress else "no batch yet"


STREAM = Service(
    name="stream",
    title="Stream",
    needs=("kafka", "namenode", "datanode1", "datanode2", "spark-master", "spark-worker", "spark-history", "postgres"),
    ports=(),
    command=_command,
    probe=_probe,
    needs_person=STREAM_NEEDS_PERSON,
)
