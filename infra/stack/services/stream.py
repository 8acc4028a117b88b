"""The streams as services: ./run up stream, and ./run up live for the other two. A plain ./run up leaves them out, because they
hold cores and memory all the time."""

from __future__ import annotations

import sys
from functools import partial

from cdp.errors import first_line
from cdp.mart import live, recommend
from cdp.mart.shop import READING
from cdp.postgres import PROGRAM_RUNS, TABLE_EXISTS, connection_arguments
from cdp.programs import EVENTS_STREAM, EXPOSURES_STREAM, LIVE_STREAM, SHOP_STREAM, STREAM_NEEDS_PERSON, name_stream
from cdp.settings import Settings
from infra.stack.processes import measure_executors
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.services import spark
from infra.stack.services.http import get_json
from infra.stack.stack import Stack
from infra.stack.stream_progress import SECONDS, stream_state

APPLICATION = name_stream(EVENTS_STREAM)
NEEDS = ("kafka", "namenode", "datanode1", "datanode2", "spark-master", "spark-worker", "spark-history", "postgres")
_AGE = "extract(epoch FROM clock_timestamp() - written_at)::int"
#: The table in which a stream notes its batches, and the last of them.
_LAST_BATCH = {
    LIVE_STREAM: (live.PROGRESS, f"SELECT batch, {_AGE} FROM {live.PROGRESS.full_name} WHERE stream = '{LIVE_STREAM}'"),
    SHOP_STREAM: (READING, f"SELECT stream_batch, {_AGE} FROM {READING.full_name} ORDER BY batch DESC LIMIT 1"),
    EXPOSURES_STREAM: (recommend.PROGRESS, f"SELECT batch, {_AGE} FROM {recommend.PROGRESS.full_name}"),
}


def _command(query: str, stack: Stack) -> StartCommand:
    environment = spark.build_environment(stack) | {"PROGRAM_NAME": "./run stream"}
    return StartCommand((sys.executable, "-m", "streaming", query), environment)


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


def probe_last_batch(query: str, settings: Settings) -> str:
    """The stream holds its lock; its last batch."""
    import psycopg2

    try:
        connection = psycopg2.connect(**connection_arguments(settings, "cdp status", SECONDS))
    except psycopg2.Error as error:
        raise Unhealthy(f"Postgres does not answer: {first_line(error)}", "./run status postgres") from error
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(PROGRAM_RUNS, [name_stream(query)])
            if cursor.fetchone() != (True,):
                raise Unhealthy("it has not taken its lock in Postgres", f"./run logs stream-{query}")
            table, last = _LAST_BATCH[query]
            cursor.execute(TABLE_EXISTS, [table.full_name])
            if cursor.fetchone() != (True,):
                return "no batch yet"
            cursor.execute(last)
            row = cursor.fetchone()
            return f"batch {row[0]}, {row[1]:,} s ago" if row else "no batch yet"
    finally:
        connection.close()


def _make_service(query: str, title: str, needs: tuple[str, ...]) -> Service:
    return Service(
        name=f"stream-{query}",
        title=title,
        group="live",
        needs=needs,
        ports=(),
        command=partial(_command, query),
        probe=partial(probe_last_batch, query),
        needs_person=STREAM_NEEDS_PERSON,
    )


STREAM = Service(
    name="stream",
    title="Stream",
    needs=NEEDS,
    ports=(),
    command=partial(_command, EVENTS_STREAM),
    probe=_probe,
    needs_person=STREAM_NEEDS_PERSON,
)
SHOP = _make_service(SHOP_STREAM, "Stream of the shop's changes", NEEDS)
LIVE = _make_service(LIVE_STREAM, "Stream of the live numbers", (*NEEDS, "redis"))
