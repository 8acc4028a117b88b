"""Spark for our jobs: the session on the configured cluster, and the schemas of the Delta tables.

The only module of cdp that imports pyspark. Settings common to all jobs are in infra/spark/spark-defaults.conf.
"""

from __future__ import annotations

import os
import socket
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.functions import vectorized_udf  # type: ignore[attr-defined]  # the stubs lack it
from pyspark.sql.types import StructType
from pyspark.util import PythonEvalType

from cdp.errors import hint_of, is_of_postgres
from cdp.lake.tables import LakeTable
from cdp.settings import REPOSITORY, Settings

USER = "cdp"
JARS = REPOSITORY / ".jars" / "spark"
CONNECT_SECONDS = 5.0
LONGEST_REASON = 400
#: For a driver that lives for a minute or two: planning ends before the JVM's second compiler pays off.
BRIEF = "-XX:TieredStopAtLevel=1"
JVM_GONE = "Spark's JVM is gone"


def lake_schema(table: LakeTable) -> StructType:
    schema = StructType.fromDDL(table.ddl)
    assert isinstance(schema, StructType)
    return schema


class SparkUnavailable(RuntimeError):
    """No Spark session is available. The message is one line with the reason and the remedy."""


def end_session(spark: SparkSession) -> None:
    """End a session. If the JVM was killed there is nothing to stop; the original error must surface."""
    with suppress(Py4JError, OSError):
        spark.stop()


def session(settings: Settings, name: str, cores: int, *, quiet: bool = False, brief: bool = False) -> SparkSession:
    """Get this process's session on the cluster, with at most `cores` cores. `quiet`: the driver logs nothing because the
    caller reports errors. `brief`: the session ends soon."""
    _require_master(settings.spark_master_url)
    os.environ.update(_build_environment(settings))
    builder = SparkSession.builder.master(settings.spark_master_url).appName(name)
    for key, value in _build_configuration(settings, cores, quiet, brief).items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except (Py4JError, PySparkException) as error:
        where = f"{settings.spark_master_url} with its log on {settings.hdfs_url}"
        raise SparkUnavailable(f"Spark does not start on {where}: {root_cause(error)}; see ./run status.") from error


def map_in_arrow(frame: DataFrame, function: Callable[[Iterator[Any]], Iterator[Any]], schema: str) -> DataFrame:
    """What `DataFrame.mapInArrow` does: the function gets the Arrow batches of a task and returns others, with this schema.

    The public method refuses to work without pandas and has no use for it. Where pandas is installed, pyarrow imports it into
    every process, at a second of processor time and 60 MB each: the site, Celery, Airflow, ./run. Each test of the stream and of
    the replay fails if a version of Spark changes what is used here.
    """
    function_of_columns = vectorized_udf(function, schema, PythonEvalType.SQL_MAP_ARROW_ITER_UDF)
    column = function_of_columns(*(frame[name] for name in frame.columns))
    return DataFrame(frame._jdf.mapInArrow(column._jc, False, None), frame.sparkSession)


def root_cause(error: BaseException) -> str:
    """The innermost reason of an error, which may come from the JVM, on one line. Postgres errors include their hint."""
    if isinstance(error, (Py4JNetworkError, ConnectionError)):
        return JVM_GONE
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    message = _read_java_root(java) if java is not None else str(error)
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    lines = lines or [type(error).__name__]
    # A Python error on an executor carries its traceback, with the error itself on the last line.
    line = lines[-1] if any("Traceback (most recent call last)" in line for line in lines) else lines[0]
    reason = textwrap.shorten(line, LONGEST_REASON, placeholder=" …")
    return f"Postgres: {reason}{hint_of(error)}" if is_of_postgres(error) else reason


def _read_java_root(java: object) -> str:
    """Name and message of the innermost Java cause; the JVM may be gone by now."""
    try:
        while (cause := java.getCause()) is not None:  # type: ignore[attr-defined]
            java = cause
        name = java.getClass().getSimpleName()  # type: ignore[attr-defined]
        message = java.getMessage()  # type: ignore[attr-defined]
        return f"{name}: {message}" if message else str(name)
    except (Py4JError, OSError):
        return JVM_GONE


def _require_master(url: str) -> None:
    """Fail at once: Spark itself tries for a minute before it reports that no master answers."""
    if not url.startswith("spark://"):
        return
    for address in url.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
            return
        except OSError:
            continue
    raise SparkUnavailable(f"No Spark master answers at {url}; start it: ./run up spark")


def _build_environment(settings: Settings) -> dict[str, str]:
    """Environment variables that Spark's launcher reads."""
    return {
        "SPARK_CONF_DIR": str(REPOSITORY / "infra" / "spark"),
        "SPARK_LOCAL_IP": settings.host,
        "PYSPARK_PYTHON": sys.executable,
        "HADOOP_USER_NAME": USER,
    }


def _build_configuration(settings: Settings, cores: int, quiet: bool, brief: bool) -> dict[str, str]:
    return {
        "spark.jars": jars(),
        "spark.cores.max": str(cores),
        "spark.driver.memory": settings.spark_driver_memory,
        "spark.executor.memory": settings.spark_executor_memory,
        "spark.driver.defaultJavaOptions": f"{settings.spark_java_options} {BRIEF if brief else ''}".strip(),
        "spark.executor.defaultJavaOptions": settings.spark_java_options,
        "spark.driver.host": settings.host,
        "spark.driver.bindAddress": settings.host,
        "spark.ui.port": "0",
        "spark.log.level": "OFF" if quiet else "WARN",
        "spark.eventLog.dir": f"{settings.hdfs_url}{settings.hdfs_root}/_spark-events",
        # The HDFS client decides about replicas, and about a lost DataNode.
        "spark.hadoop.dfs.replication": str(settings.hdfs_replication),
        "spark.hadoop.dfs.client.block.write.replace-datanode-on-failure.policy": "NEVER",
        "spark.executorEnv.PYTHONPATH": str(REPOSITORY),
        "spark.executorEnv.HADOOP_USER_NAME": USER,
        "spark.executorEnv.TZ": "UTC",
    }


def jars() -> str:
    """Delta and the Kafka source, as the value of spark.jars."""
    paths = sorted(str(jar) for jar in JARS.glob("*.jar"))
    if not paths:
        raise SparkUnavailable(f"Spark's jars are missing from {JARS}; make them: ./run up spark")
    return ",".join(paths)
