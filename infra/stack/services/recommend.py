"""The recommendation API, and the program that writes what was shown and clicked."""

from __future__ import annotations

import sys
from functools import partial

from cdp.programs import EXPOSURES_STREAM, STREAM_NEEDS_PERSON
from cdp.settings import Settings
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.services import hdfs
from infra.stack.services.http import get_json
from infra.stack.services.stream import probe_last_batch
from infra.stack.stack import Stack


def _serve(stack: Stack) -> StartCommand:
    return StartCommand((sys.executable, "-m", "cdp_web.recommend.api"), {"OPENBLAS_NUM_THREADS": "1"})


def _probe_api(settings: Settings) -> str:
    health = get_json(f"{settings.recommend_url}/health", "./run logs recommend")
    if health.get("status") != "ok":
        raise Unhealthy(str(health.get("problem", health)), "./run logs recommend")
    return str(health["serves"])


def _write_exposures(stack: Stack) -> StartCommand:
    environment = {"PROGRAM_NAME": "./run logs stream-exposures", "HADOOP_USER_NAME": hdfs.USER}
    return StartCommand((sys.executable, "-m", "streaming.exposures"), environment)


API = Service(
    name="recommend",
    title="Recommendation API",
    group="recommend",
    needs=("redis", "postgres", "kafka"),
    ports=("recommend_port",),
    command=_serve,
    probe=_probe_api,
    address="{recommend_url}",
)
EXPOSURES = Service(
    name=f"stream-{EXPOSURES_STREAM}",
    title="Stream of exposures",
    group="recommend",
    needs=("kafka", "namenode", "datanode1", "datanode2", "postgres"),
    ports=(),
    command=_write_exposures,
    probe=partial(probe_last_batch, EXPOSURES_STREAM),
    needs_person=STREAM_NEEDS_PERSON,
)
