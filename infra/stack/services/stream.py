"""The stream as a service: ./run up stream. A plain ./run up leaves it out, because it holds cores and memory all the time."""

from __future__ import annotations

import sys

from cdp.programs import EVENTS_STREAM, STREAM_NEEDS_PERSON, name_stream
from cdp.settings import Settings
from infra.stack.processes import measure_executors
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.services import spark
from infra.stack.services.http import get_json
from infra.stack.stack import Stack
from infra.stack.stream_progress import stream_state

APPLICATION = name_stream(EVENTS_STREAM)


def _command(stack: Stack) -> StartCommand:
    return StartCommand((sys.executable, "-m", "streaming"), spark.build_environment(stack) | {"PROGRAM_NAME": "./run stream"})


def _probe(settings: Settings) -> str:
    """The stream holds its lock. ./run status shows its progress in a line of its own."""
    state = stream_state(settings)
    if state.unknown:
        raise Unhealthy(state.unknown, "./run status postgres kafka")
    if not state.runs:
        raise Unhealthy("it has not taken its lock in Postgres", "./run logs stream")
    batch = f"last batch {state.progress.batch}" if state.progress else "no batch yet"
    return f"{batch}{_describe_executors(settings)}"


def _describe_executors(settings: Settings) -> str:
    """The memory of the executors, which ./run status counts with spark-worker's; empty if they run on other machines."""
    try:
        applications = get_json(f"{settings.spark_master_http}/json/", "./run logs spark-master")["activeapps"]
    except Unhealthy:
        return ""
    ids = [application["id"] for application in applications if application["name"] == APPLICATION]
    jvms, pythons = map(sum, zip((0, 0), *map(measure_executors, ids), strict=True))
    return f"; executor {jvms // 2**20} MB, Python workers {pythons // 2**20} MB" if jvms else ""


STREAM = Service(
    name="stream",
    title="Stream",
    needs=("kafka", "namenode", "datanode1", "datanode2", "spark-master", "spark-worker", "spark-history", "postgres"),
    ports=(),
    command=_command,
    probe=_probe,
    needs_person=STREAM_NEEDS_PERSON,
)
