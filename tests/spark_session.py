"""Spark for tests without a cluster: two threads in this process, in UTC, with Delta on the local disk; one session per run."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from datetime import datetime

import pytest
from pyspark.sql import SparkSession

from cdp.settings import REPOSITORY
from cdp.spark import USER, jars


def utc(*parts: int) -> datetime:
    """An instant as Spark returns it to Python: in UTC, but without a time zone."""
    return datetime(*parts)  # type: ignore[arg-type,misc]  # noqa: DTZ001


#: Compiling the plans of a tiny night takes a quarter of its CPU.
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
#: Spark's defaults.
COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    os.environ["SPARK_CONF_DIR"] = str(REPOSITORY / "infra" / "spark")
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Some tests keep their tables on the real HDFS.
    os.environ["HADOOP_USER_NAME"] = USER
    os.environ["PYTHONPATH"] = str(REPOSITORY)
    options = {
        "spark.jars": jars(),
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.eventLog.enabled": "false",
        "spark.log.level": "ERROR",
        # For a handful of rows, one task and a plan that is made once are fastest.
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.ui.enabled": "false",
    } | INTERPRETED
    builder = SparkSession.builder.master("local[2]").appName("tests")
    for key, value in options.items():
        builder = builder.config(key, value)
    # py4j logs a message when the interpreter ends, when pytest has closed the log.
    logging.getLogger("py4j").setLevel(logging.ERROR)
    session = builder.getOrCreate()
    yield session
    session.stop()
