"""Every configuration file of infra/ is listed here and has valid syntax, and its variables are set."""

from __future__ import annotations

import configparser
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from cdp.settings import load
from infra.stack.services import airflow, connect, hdfs, kafka, spark
from infra.stack.stack import INFRA, Stack, find_java
from tests.infra import compose_file


def _read_xml(file: Path) -> None:
    root = ET.parse(file).getroot()
    if root.tag == "configuration":
        names = [str(element.findtext("name")) for element in root.iter("property")]
        assert all(element.findtext("value") for element in root.iter("property")), "a property without a value"
        assert len(names) == len(set(names)), "a property is set twice: the last one wins silently"


def _read_pom(file: Path) -> None:
    root = ET.parse(file).getroot()
    assert root.tag == "{http://maven.apache.org/POM/4.0.0}project"
    for module in root.iter("{http://maven.apache.org/POM/4.0.0}module"):
        assert (file.parent / str(module.text) / "pom.xml").exists()


def _read_properties(file: Path) -> None:
    """name=value; each once."""
    names = [re.split(r"\s*=\s*", line, maxsplit=1) for line in _read_lines(file)]
    assert all(len(parts) == 2 and parts[1] for parts in names), names
    assert len(names) == len({parts[0] for parts in names})


def _read_words(file: Path) -> None:
    """name value, as spark-defaults.conf and redis.conf have it; each once."""
    names = [line.split(maxsplit=1) for line in _read_lines(file)]
    assert all(len(parts) == 2 for parts in names), names
    assert len(names) == len({parts[0] for parts in names})


def _read_yaml(file: Path) -> None:
    assert yaml.safe_load(file.read_text())["Configuration"]["Loggers"]["Root"]


def _read_cfg(file: Path) -> None:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.read_string(file.read_text())
    assert {"core", "database", "api", "logging"} <= set(parser.sections())


def _read_shell(file: Path) -> None:
    for shell in ("bash",) if file.read_text().startswith("#!/bin/bash") else ("sh", "bash"):
        result = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr


def _read_sums(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  [\w./-]+\.jar", line) for line in lines)
    assert len(lines) == len({line.split()[1] for line in lines})


def _read_requirements(file: Path) -> None:
    """Names of packages, each once."""
    names = [Requirement(line).name for line in _read_lines(file)]
    assert len(names) == len(set(names))


def _read_lock(file: Path) -> None:
    """Exact versions with digests from any index, without what a server does not use."""
    packages = file.read_text().replace("\\\n", " ").splitlines()
    names = [
        re.split("==", line)[0] for line in packages if re.fullmatch(r"\S+==\S+( ; .*?)?( +--hash=sha256:[0-9a-f]{64})+ *", line)
    ]
    assert len(names) == len(packages) > 50
    overrides = {Requirement(line).name for line in _read_lines(file.with_name("overrides.txt"))}
    assert overrides.isdisjoint(names)
    assert {Requirement(line).name for line in _read_lines(file.with_name("requirements.in"))} <= set(names)


READERS: dict[str, Callable[[Path], None]] = {
    "airflow/airflow.cfg": _read_cfg,
    "connect/log4j2.yaml": _read_yaml,
    "connect/worker.properties": _read_properties,
    "docker/answers.sh": _read_shell,
    "docker/format-kafka.sh": _read_shell,
    "docker/format-namenode.sh": _read_shell,
    "docker/redis.sh": _read_shell,
    "hadoop/core-site.xml": _read_xml,
    "hadoop/hdfs-site.xml": _read_xml,
    "hadoop/log4j.properties": _read_properties,
    "hadoop/logging.properties": _read_properties,
    "jars/connect/pom.xml": _read_pom,
    "jars/hadoop/pom.xml": _read_pom,
    "jars/jars.sha256": _read_sums,
    "jars/kafka/pom.xml": _read_pom,
    "jars/mongo/pom.xml": _read_pom,
    "jars/pom.xml": _read_pom,
    "jars/spark/pom.xml": _read_pom,
    "kafka/log4j2.yaml": _read_yaml,
    "kafka/server.properties": _read_properties,
    "mlflow/overrides.txt": _read_requirements,
    "mlflow/requirements.in": _read_requirements,
    "mlflow/requirements.lock": _read_lock,
    "postgres/postgresql.conf": _read_properties,
    "redis/redis.conf": _read_words,
    "shop-db/postgresql.conf": _read_properties,
    "spark/log4j2.properties": _read_properties,
    "spark/spark-defaults.conf": _read_words,
    "spark/spark-env.sh": _read_shell,
}
#: Covered elsewhere: the Dockerfile has its own tests, and every start of the stack compiles the stand-in's source.
ELSEWHERE = {"docker/Dockerfile", "mongo/StandIn.java"}


def _read_lines(file: Path) -> list[str]:
    return [line.strip() for line in file.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]


@pytest.mark.subprocess
@pytest.mark.parametrize("name", READERS)
def test_a_configuration_file_can_be_read(name: str) -> None:
    READERS[name](INFRA / name)


@pytest.mark.subprocess
@pytest.mark.parametrize("process", ["driver", "executor"])
def test_a_spark_jvm_with_one_compiler_has_a_large_code_cache(process: str) -> None:
    words = dict(line.split(maxsplit=1) for line in _read_lines(INFRA / "spark" / "spark-defaults.conf"))
    options = [*words[f"spark.{process}.extraJavaOptions"].split(), "-XX:TieredStopAtLevel=1"]
    flags = subprocess.run(
        [find_java(), *options, "-XX:+PrintFlagsFinal", "-version"], capture_output=True, text=True, check=True
    )
    match = re.search(r"\bReservedCodeCacheSize += (\d+)", flags.stdout)
    assert match
    assert int(match[1]) == 240 << 20


def test_every_file_is_listed() -> None:
    files = {str(path.relative_to(INFRA)) for path in INFRA.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {name for name in files if not name.endswith(".py")} == READERS.keys() | ELSEWHERE


def test_hdfs_files_have_no_default_for_a_missing_variable() -> None:
    """${env.X} has no default, so a missing X is an error and never a wrong address."""
    for name in ("core-site.xml", "hdfs-site.xml"):
        assert not re.search(r"\$\{env\.\w+[:-]", (INFRA / "hadoop" / name).read_text())


# ---------------------------------------------------------------- variables


def find_variables(*files: str) -> set[str]:
    """Names in ${env.X}, ${env:X} and ${X}."""
    text = "\n".join(line for file in files for line in _read_lines(INFRA / file))
    return set(re.findall(r"\$\{(?:env[.:])?([A-Z]\w*)\}", text))


HADOOP = find_variables("hadoop/core-site.xml", "hadoop/hdfs-site.xml")
KAFKA = find_variables("kafka/server.properties")
CONNECT = find_variables("connect/worker.properties")
SPARK = find_variables("spark/spark-env.sh")
AIRFLOW = find_variables("airflow/airflow.cfg")


def test_the_native_stack_sets_every_variable() -> None:
    stack = Stack(load({"CDP_VAR_DIR": "/nonexistent"}))
    assert all((HADOOP, KAFKA, CONNECT, SPARK, AIRFLOW))
    assert hdfs.build_environment(stack).keys() >= HADOOP
    assert kafka.build_environment(stack.settings, "/x").keys() >= KAFKA
    assert connect.build_environment(stack.settings).keys() >= CONNECT
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
    assert {key for key in names if compose_file.service(name)["environment"].get(key)} == names
