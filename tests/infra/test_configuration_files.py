"""Every configuration file of infra/ can be read by what will read it, and every one of them is known here."""

from __future__ import annotations

import configparser
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from infra.stack.stack import INFRA, java


def _xml(file: Path) -> None:
    root = ET.parse(file).getroot()
    if root.tag == "configuration":
        names = [str(found.findtext("name")) for found in root.iter("property")]
        assert all(found.findtext("value") for found in root.iter("property")), "a property without a value"
        assert len(names) == len(set(names)), "a property twice: the last wins silently"


def _pom(file: Path) -> None:
    root = ET.parse(file).getroot()
    assert root.tag == "{http://maven.apache.org/POM/4.0.0}project"
    for module in root.iter("{http://maven.apache.org/POM/4.0.0}module"):
        assert (file.parent / str(module.text) / "pom.xml").exists()


def _properties(file: Path) -> None:
    """name=value; each once."""
    names = [re.split(r"\s*=\s*", line, maxsplit=1) for line in _lines(file)]
    assert all(len(parts) == 2 and parts[1] for parts in names), names
    assert len(names) == len({parts[0] for parts in names})


def _words(file: Path) -> None:
    """name value, as spark-defaults.conf and redis.conf have it; each once."""
    names = [line.split(maxsplit=1) for line in _lines(file)]
    assert all(len(parts) == 2 for parts in names), names
    assert len(names) == len({parts[0] for parts in names})


def _yaml(file: Path) -> None:
    assert yaml.safe_load(file.read_text())["Configuration"]["Loggers"]["Root"]


def _cfg(file: Path) -> None:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.read_string(file.read_text())
    assert {"core", "database", "api", "logging"} <= set(parser.sections())


def _shell(file: Path) -> None:
    for shell in ("bash",) if file.read_text().startswith("#!/bin/bash") else ("sh", "bash"):
        done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def _sums(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  [\w./-]+\.jar", line) for line in lines)
    assert len(lines) == len({line.split()[1] for line in lines})


READERS: dict[str, Callable[[Path], None]] = {
    "airflow/airflow.cfg": _cfg,
    "docker/answers.sh": _shell,
    "docker/format-kafka.sh": _shell,
    "docker/format-namenode.sh": _shell,
    "docker/redis.sh": _shell,
    "hadoop/core-site.xml": _xml,
    "hadoop/hdfs-site.xml": _xml,
    "hadoop/log4j.properties": _properties,
    "hadoop/logging.properties": _properties,
    "jars/hadoop/pom.xml": _pom,
    "jars/jars.sha256": _sums,
    "jars/kafka/pom.xml": _pom,
    "jars/mongo/pom.xml": _pom,
    "jars/pom.xml": _pom,
    "jars/spark/pom.xml": _pom,
    "kafka/log4j2.yaml": _yaml,
    "kafka/server.properties": _properties,
    "postgres/postgresql.conf": _properties,
    "redis/redis.conf": _words,
    "spark/log4j2.properties": _properties,
    "spark/spark-defaults.conf": _words,
    "spark/spark-env.sh": _shell,
}
#: Read by other tests: the Dockerfile, and the stand-in's source, which every start of the stack compiles.
ELSEWHERE = {"docker/Dockerfile", "mongo/StandIn.java"}


def _lines(file: Path) -> list[str]:
    return [line.strip() for line in file.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]


@pytest.mark.subprocess
@pytest.mark.parametrize("name", READERS)
def test_a_configuration_file_can_be_read(name: str) -> None:
    READERS[name](INFRA / name)


@pytest.mark.subprocess
@pytest.mark.parametrize("who", ["driver", "executor"])
def test_a_spark_jvm_with_one_compiler_has_room_for_what_it_compiles(who: str) -> None:
    words = dict(line.split(maxsplit=1) for line in _lines(INFRA / "spark" / "spark-defaults.conf"))
    options = [*words[f"spark.{who}.extraJavaOptions"].split(), "-XX:TieredStopAtLevel=1"]
    flags = subprocess.run([java(), *options, "-XX:+PrintFlagsFinal", "-version"], capture_output=True, text=True, check=True)
    found = re.search(r"\bReservedCodeCacheSize += (\d+)", flags.stdout)
    assert found
    assert int(found[1]) == 240 << 20


def test_every_file_is_known() -> None:
    found = {str(path.relative_to(INFRA)) for path in INFRA.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {name for name in found if not name.endswith(".py")} == READERS.keys() | ELSEWHERE


def test_hdfs_files_may_be_read_by_any_client_s_java() -> None:
    """${env.X} without a default fails where X is missing, which is what we want: no silent wrong address."""
    for name in ("core-site.xml", "hdfs-site.xml"):
        assert not re.search(r"\$\{env\.\w+[:-]", (INFRA / "hadoop" / name).read_text())
