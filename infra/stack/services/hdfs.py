"""HDFS: one NameNode with its SecondaryNameNode, two DataNodes, configured by the files in infra/hadoop/."""

from __future__ import annotations

import json
import subprocess
import time
from functools import partial
from typing import Any

from cdp.settings import Settings
from infra.stack.cause import find_cause
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.services.http import get_json
from infra.stack.stack import INFRA, JARS, Stack, StackError, find_java

USER = "cdp"
NAMENODE_MAIN = "org.apache.hadoop.hdfs.server.namenode.NameNode"
SECONDARY_MAIN = "org.apache.hadoop.hdfs.server.namenode.SecondaryNameNode"
DATANODE_MAIN = "org.apache.hadoop.hdfs.server.datanode.DataNode"
#: Seconds after which a checkpoint is late; one is due every hour (infra/hadoop/hdfs-site.xml).
CHECKPOINT_LATE = 3 * 3600
#: Packages that Hadoop 3.4 accesses by reflection on Java 17.
OPENS = ("--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED")


def build_environment(stack: Stack, datanode: int = 1) -> dict[str, str]:
    """The variables that infra/hadoop/*.xml reads."""
    settings = stack.settings
    return {
        "HADOOP_USER_NAME": USER,
        "HDFS_URL": settings.hdfs_url,
        "HDFS_BIND": settings.host,
        "HDFS_TMP_DIR": str(stack.data_dir("hdfs") / "tmp"),
        "HDFS_REPLICATION": str(settings.hdfs_replication),
        "HDFS_NAME_DIR": str(stack.data_dir("hdfs") / "name"),
        "HDFS_NAMENODE_HTTP_PORT": str(settings.namenode_http_port),
        "HDFS_CHECKPOINT_DIR": str(stack.data_dir("hdfs") / "checkpoint"),
        "HDFS_SECONDARY_HTTP_PORT": str(settings.secondary_http_port),
        "HDFS_DATA_DIR": str(stack.data_dir("hdfs") / f"data{datanode}"),
        "HDFS_DATANODE_PORT": str(getattr(settings, f"datanode{datanode}_port")),
        "HDFS_DATANODE_HTTP_PORT": str(getattr(settings, f"datanode{datanode}_http_port")),
        "HDFS_DATANODE_IPC_PORT": str(getattr(settings, f"datanode{datanode}_ipc_port")),
    }


def _build_java(heap: str, main: str, *arguments: str) -> tuple[str, ...]:
    return (
        find_java(), f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError", *OPENS,
        f"-Djava.util.logging.config.file={INFRA}/hadoop/logging.properties",
        "-cp", f"{INFRA}/hadoop:{JARS}/hadoop/*", main, *arguments,
    )  # fmt: skip


def _namenode(stack: Stack) -> StartCommand:
    return StartCommand(_build_java(stack.settings.namenode_heap, NAMENODE_MAIN), build_environment(stack))


def _secondary(stack: Stack) -> StartCommand:
    return StartCommand(_build_java(stack.settings.namenode_heap, SECONDARY_MAIN), build_environment(stack))


def _datanode(number: int, stack: Stack) -> StartCommand:
    return StartCommand(_build_java(stack.settings.datanode_heap, DATANODE_MAIN), build_environment(stack, number))


def _format(stack: Stack) -> None:
    """Format the NameNode once. A directory that holds a file system image is never touched."""
    if (stack.data_dir("hdfs") / "name" / "current" / "VERSION").exists():
        return
    argv = _build_java(stack.settings.namenode_heap, NAMENODE_MAIN, "-format", "-nonInteractive")
    result = subprocess.run(argv, env=stack.base_env | build_environment(stack), capture_output=True, text=True)
    if result.returncode:
        raise StackError(f"The NameNode could not be formatted: {find_cause(result.stdout + result.stderr)}")


def _read_bean(http: str, server: str, name: str, log: str) -> Any:
    beans = get_json(f"{http}/jmx?qry=Hadoop:service={server},name={name}", f"./run logs {log}").get("beans", [])
    if not beans:
        raise Unhealthy(f"the {server} does not report {name} yet", "wait: it is starting")
    return beans[0]


def read_namenode_bean(settings: Settings, name: str, log: str = "namenode") -> Any:
    return _read_bean(settings.hdfs_http, "NameNode", name, log)


def _probe_answer(settings: Settings) -> str:
    """The NameNode answers, which is enough for DataNodes to report to it."""
    return str(read_namenode_bean(settings, "NameNodeInfo")["SoftwareVersion"])


def _probe_datanode(number: int, settings: Settings) -> str:
    """The DataNode answers and its last heartbeat is recent: a dead one stays on the NameNode's list for a while."""
    name, port = f"datanode{number}", getattr(settings, f"datanode{number}_port")
    http_port = getattr(settings, f"datanode{number}_http_port")
    get_json(f"http://{settings.host}:{http_port}/jmx?qry=Hadoop:service=DataNode,name=DataNodeInfo", f"./run logs {name}")
    live = json.loads(read_namenode_bean(settings, "NameNodeInfo", name)["LiveNodes"])
    node = next((node for node in live.values() if node["xferaddr"].endswith(f":{port}")), None)
    if node is None or node["lastContact"] > 10:
        raise Unhealthy("the NameNode gets no heartbeat from it", f"./run logs {name}")
    return f"{node['numBlocks']} blocks, {node['remaining'] // 2**30} GiB free"


def _probe_filesystem(settings: Settings) -> str:
    """The NameNode is healthy if files can be written: enough DataNodes alive, no safe mode, no missing block."""
    info, state = read_namenode_bean(settings, "NameNodeInfo"), read_namenode_bean(settings, "FSNamesystemState")
    live = state["NumLiveDataNodes"]
    if live < settings.hdfs_datanodes:
        raise Unhealthy(f"{live} of {settings.hdfs_datanodes} DataNodes alive", "./run status; ./run logs datanode1")
    if info["Safemode"]:
        raise Unhealthy(
            "the NameNode is in safe mode", "wait until the DataNodes have reported their blocks; ./run logs namenode"
        )
    missing = info["NumberOfMissingBlocks"]
    if missing:
        raise Unhealthy(f"{missing} blocks are missing", "start the DataNode that holds them")
    return f"{state['FilesTotal']} files, {state['BlocksTotal']} blocks, {live} DataNodes"


def _probe_secondary(settings: Settings) -> str:
    """It answers, and the NameNode got an image from it recently, unless it was started so short a time ago that none is due."""
    http = f"http://{settings.host}:{settings.secondary_http_port}"
    info = _read_bean(http, "SecondaryNameNode", "SecondaryNameNodeInfo", "secondarynamenode")
    state, now = read_namenode_bean(settings, "FSNamesystem"), time.time()
    age, up = now - state["LastCheckpointTime"] / 1000, now - info["StartTime"] / 1000
    if min(age, up) > CHECKPOINT_LATE:
        raise Unhealthy(f"the NameNode's last checkpoint is {age / 3600:.0f} h old", "./run logs secondarynamenode")
    return f"last checkpoint {age / 60:.0f} min ago, {state['TransactionsSinceLastCheckpoint']:,} changes since"


NAMENODE = Service(
    name="namenode",
    group="hdfs",
    title="HDFS NameNode",
    needs=(),
    ports=("namenode_port", "namenode_http_port"),
    command=_namenode,
    prepare=_format,
    probe=_probe_filesystem,
    ready=_probe_answer,
    brings=("datanode1", "datanode2"),
    address="{hdfs_url}  {hdfs_http}",
)


SECONDARY = Service(
    name="secondarynamenode",
    group="hdfs",
    title="HDFS SecondaryNameNode",
    needs=("namenode",),
    ports=("secondary_http_port",),
    command=_secondary,
    probe=_probe_secondary,
    address="http://{host}:{secondary_http_port}",
)


def _datanode_service(number: int) -> Service:
    return Service(
        name=f"datanode{number}",
        group="hdfs",
        title=f"HDFS DataNode {number}",
        needs=("namenode",),
        ports=tuple(f"datanode{number}{part}_port" for part in ("", "_http", "_ipc")),
        command=partial(_datanode, number),
        probe=partial(_probe_datanode, number),
        address=f"http://{{host}}:{{datanode{number}_http_port}}",
    )


DATANODE1, DATANODE2 = _datanode_service(1), _datanode_service(2)
