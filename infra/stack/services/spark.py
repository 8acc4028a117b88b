"""Spark standalone from the pyspark wheel: master, worker and history server."""

from __future__ import annotations

import importlib.util
import urllib.error
from functools import partial
from http.client import HTTPException
from pathlib import Path

from cdp.settings import REPOSITORY, Settings
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.services.hdfs import USER
from infra.stack.services.http import get_json, put
from infra.stack.stack import INFRA, Stack, find_java_home

DEPLOY = "org.apache.spark.deploy"


def find_spark_home() -> Path:
    """The folder of the pyspark wheel, found without importing it."""
    spec = importlib.util.find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def build_environment(stack: Stack) -> dict[str, str]:
    """The variables that infra/spark/spark-env.sh and the daemons read."""
    settings = stack.settings
    return {
        "SPARK_HOME": str(find_spark_home()),
        "SPARK_CONF_DIR": str(INFRA / "spark"),
        "SPARK_NO_DAEMONIZE": "1",
        "SPARK_LOCAL_IP": settings.host,
        "SPARK_DAEMON_MEMORY": settings.spark_daemon_heap,
        "SPARK_LOCAL_DIRS": str(stack.data_dir("spark") / "local"),
        "SPARK_HISTORY_PORT": str(settings.spark_history_port),
        "HADOOP_USER_NAME": USER,
        "HDFS_URL": settings.hdfs_url,
        "HDFS_ROOT": settings.hdfs_root,
        "JAVA_HOME": find_java_home() or "",
        # Executors import the modules that the driver refers to.
        "PYTHONPATH": str(REPOSITORY),
    }


def _daemon(stack: Stack, main: str, *arguments: str) -> StartCommand:
    return StartCommand(
        (str(find_spark_home() / "bin" / "spark-class"), f"{DEPLOY}.{main}", *arguments), build_environment(stack)
    )


def _master(stack: Stack) -> StartCommand:
    settings = stack.settings
    return _daemon(
        stack, "master.Master", "--host", settings.host, "--port", str(settings.spark_master_port),
        "--webui-port", str(settings.spark_master_ui_port),
    )  # fmt: skip


def _worker(stack: Stack) -> StartCommand:
    settings = stack.settings
    return _daemon(
        stack, "worker.Worker", "--host", settings.host, "--port", str(settings.spark_worker_port),
        "--webui-port", str(settings.spark_worker_ui_port), "--cores", str(settings.spark_worker_slots),
        "--memory", settings.spark_worker_memory, "--work-dir", str(stack.run_dir / "spark-worker" / "work"),
        settings.spark_master_url,
    )  # fmt: skip


def _history(stack: Stack) -> StartCommand:
    return _daemon(stack, "history.HistoryServer")


def _history_prepare(stack: Stack) -> None:
    """Create the folder of the applications' logs, which must exist before the first application starts."""
    folder = f"{stack.settings.hdfs_root}/_spark-events"
    try:
        put(f"{stack.settings.hdfs_http}/webhdfs/v1{folder}?op=MKDIRS&user.name={USER}")
    except (urllib.error.URLError, OSError, HTTPException) as error:
        raise Unhealthy(f"HDFS can't create {folder} yet: {error}") from error


def _probe_master(settings: Settings) -> str:
    state = get_json(f"{settings.spark_master_http}/json/", "./run logs spark-master")
    if state["status"] != "ALIVE":
        raise Unhealthy(f"it is {state['status']}", "./run logs spark-master")
    if not state["aliveworkers"]:
        raise Unhealthy("no worker is registered", "./run logs spark-worker")
    free = state["cores"] - state["coresused"]
    if free <= 0:
        raise Unhealthy(f"all {state['cores']} cores are taken", f"end an application on {settings.spark_master_http}")
    return f"{state['aliveworkers']} worker, {free} of {state['cores']} cores free, {len(state['activeapps'])} applications"


def _probe_answer(settings: Settings) -> str:
    return str(get_json(f"{settings.spark_master_http}/json/", "./run logs spark-master")["status"])


def _probe_worker(settings: Settings) -> str:
    """The worker answers, and the master counts it as alive."""
    url = f"http://{settings.host}:{settings.spark_worker_ui_port}/json/"
    worker = get_json(url, "./run logs spark-worker")
    master = get_json(f"{settings.spark_master_http}/json/", "./run logs spark-master")
    if not any(w["id"] == worker["id"] and w["state"] == "ALIVE" for w in master["workers"]):
        raise Unhealthy("it is not registered with the master", "./run logs spark-worker")
    return f"{worker['coresused']} of {worker['cores']} cores and {worker['memoryused']} of {worker['memory']} MB in use"


def _probe_history(settings: Settings) -> str:
    applications = get_json(f"{settings.spark_history_http}/api/v1/applications?limit=1000", "./run logs spark-history")
    return f"{len(applications)} applications"


_service = partial(Service, group="spark")

MASTER = _service(
    name="spark-master",
    title="Spark master",
    needs=(),
    ports=("spark_master_port", "spark_master_ui_port"),
    command=_master,
    probe=_probe_master,
    ready=_probe_answer,
    brings=("spark-worker",),
    address="{spark_master_url}  {spark_master_http}",
)
WORKER = _service(
    name="spark-worker",
    title="Spark worker",
    needs=("spark-master",),
    ports=("spark_worker_port", "spark_worker_ui_port"),
    command=_worker,
    probe=_probe_worker,
    address="http://{host}:{spark_worker_ui_port}",
)
HISTORY = _service(
    name="spark-history",
    title="Spark history server",
    needs=("namenode", "datanode1", "datanode2"),
    ports=("spark_history_port",),
    command=_history,
    prepare=_history_prepare,
    probe=_probe_history,
    address="{spark_history_http}",
)
