"""The small scripts that containers of official images run, each with stand-ins for the programs that it calls."""

from __future__ import annotations

import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdp.settings import REPOSITORY

DOCKER = REPOSITORY / "infra" / "docker"
pytestmark = pytest.mark.subprocess


def run(script: str, replacements: dict[str, str], tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the script with some absolute paths of the image replaced."""
    text = (DOCKER / script).read_text()
    for path, ours in replacements.items():
        assert path in text
        text = text.replace(path, ours)
    (tmp_path / script).write_text(text)
    path = f"{tmp_path}:{os.environ['PATH']}"
    return subprocess.run(["sh", str(tmp_path / script)], env={"PATH": path, **env}, capture_output=True, text=True)


def write_program(tmp_path: Path, name: str, body: str = 'echo "$@" >> "$(dirname "$0")/output"') -> Path:
    file = tmp_path / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def test_kafka_is_formatted_once(tmp_path: Path) -> None:
    body = """[ "$1" = random-uuid ] && { echo an-id; exit; }
echo "$@" >> "$(dirname "$0")/output"
touch "$KAFKA_LOG_DIR/meta.properties"
"""
    tool = write_program(tmp_path, "kafka-storage.sh", body)
    for _ in range(2):
        result = run("format-kafka.sh", {"/opt/kafka/bin/kafka-storage.sh": str(tool)}, tmp_path, KAFKA_LOG_DIR=str(tmp_path))
        assert result.returncode == 0, result.stderr
    output = (tmp_path / "output").read_text()
    assert output == "format --ignore-formatted --cluster-id an-id --config /cdp/kafka/server.properties\n"


def test_a_namenode_with_an_image_is_never_formatted(tmp_path: Path) -> None:
    tool = write_program(tmp_path, "hdfs")
    replacements = {"/opt/hadoop/bin/hdfs": str(tool)}
    assert run("format-namenode.sh", replacements, tmp_path, HDFS_NAME_DIR=str(tmp_path / "name")).returncode == 0
    assert (tmp_path / "output").read_text() == "namenode -format -nonInteractive\n"
    (tmp_path / "name" / "current").mkdir(parents=True)
    (tmp_path / "name" / "current" / "VERSION").touch()
    assert run("format-namenode.sh", replacements, tmp_path, HDFS_NAME_DIR=str(tmp_path / "name")).returncode == 0
    assert (tmp_path / "output").read_text().count("-format") == 1


def test_a_failed_format_fails(tmp_path: Path) -> None:
    tool = write_program(tmp_path, "hdfs", "exit 3")
    result = run("format-namenode.sh", {"/opt/hadoop/bin/hdfs": str(tool)}, tmp_path, HDFS_NAME_DIR=str(tmp_path / "name"))
    assert result.returncode == 3


def test_redis_gets_its_password_from_a_private_file(tmp_path: Path) -> None:
    write_program(tmp_path, "redis-server")
    private = tmp_path / "redis.conf"
    variables = {"REDIS_PORT": "18052", "REDIS_PASSWORD": "hidden", "REDIS_MAXMEMORY": "256m"}
    result = run("redis.sh", {"/tmp/redis.conf": str(private)}, tmp_path, **variables)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "output").read_text() == f"{private}\n", "no password among the arguments"
    assert private.stat().st_mode & 0o777 == 0o600
    lines = private.read_text().splitlines()
    assert lines[0] == "include /cdp/redis/redis.conf", "first, so the lines after it win"
    assert {"requirepass hidden", "port 18052", "maxmemory 256mb"} <= set(lines)


@pytest.mark.parametrize("missing", ["REDIS_PORT", "REDIS_PASSWORD", "REDIS_MAXMEMORY"])
def test_redis_does_not_start_without_a_password_or_port(missing: str, tmp_path: Path) -> None:
    write_program(tmp_path, "redis-server")
    variables = {"REDIS_PORT": "18052", "REDIS_PASSWORD": "hidden", "REDIS_MAXMEMORY": "256m"}
    del variables[missing]
    assert run("redis.sh", {"/tmp/redis.conf": str(tmp_path / "redis.conf")}, tmp_path, **variables).returncode != 0
    assert not (tmp_path / "output").exists()


# ---------------------------------------------------------------- the health check by HTTP


class Page(http.server.BaseHTTPRequestHandler):
    """/json/ contains ALIVE; any other path is an error."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/json/?q=a,b" else 404)
        self.end_headers()
        self.wfile.write(b'{"status" : "ALIVE"}')

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def check_page(port: int, path: str, text: str) -> subprocess.CompletedProcess[str]:
    argv = ["bash", str(DOCKER / "answers.sh"), "127.0.0.1", str(port), path, text]
    return subprocess.run(argv, capture_output=True, text=True, timeout=20)


def test_a_page_with_the_text_is_healthy(port: int) -> None:
    assert check_page(port, "/json/?q=a,b", "ALIVE").returncode == 0


def test_a_page_without_the_text_is_not_healthy(port: int) -> None:
    result = check_page(port, "/json/?q=a,b", "RUNNING")
    assert result.returncode == 1
    assert result.stdout == f"http://127.0.0.1:{port}/json/?q=a,b does not contain RUNNING\n"


def test_an_error_page_is_not_healthy_even_with_the_text(port: int) -> None:
    assert check_page(port, "/elsewhere", "ALIVE").returncode == 1


def test_a_closed_port_is_not_healthy(port: int) -> None:
    assert check_page(1, "/json/", "ALIVE").returncode != 0
