"""docker-compose.yml compared with the native stack: services and their needs, ports, addresses, our own programs."""

from __future__ import annotations

import dataclasses
import re

import pytest

from cdp.settings import PORT_BASES, REPOSITORY, SettingError
from infra.docker import __main__ as entry
from infra.stack.services import BY_NAME, SERVICES
from tests.infra import compose_file
from tests.infra.compose_file import OURS, service

ALL = list(compose_file.read_document()["services"])
#: Services that infra.docker runs, with command and environment from the native stack.
BY_ENTRY = [name for name in ALL if service(name).get("command", [])[:3] == OURS]
each_native = pytest.mark.parametrize("native", [s.name for s in SERVICES])
#: Ports that only servers use, so they are not published.
INTERNAL = {
    "kafka_controller_port", "datanode1_ipc_port", "datanode2_ipc_port", "spark_worker_port", "airflow_log_port",
}  # fmt: skip
#: The page of the second worker, which the native stack does not have.
SECOND_WORKER_PAGE = 18045


@each_native
def test_every_native_service_is_in_compose(native: str) -> None:
    assert set(compose_file.find_counterparts(native)) <= set(ALL)


def test_compose_has_no_server_of_its_own() -> None:
    assert [name for name in compose_file.find_servers() if not compose_file.find_native(name)] == []


@each_native
def test_needs_are_kept(native: str) -> None:
    for name in compose_file.find_counterparts(native):
        needs = {need for needed in BY_NAME[native].needs for need in compose_file.find_counterparts(needed)}
        assert needs <= _find_dependencies(name), name


def _find_dependencies(name: str) -> set[str]:
    """The services that this one waits for, directly or through others."""
    direct = set(service(name).get("depends_on", {}))
    return direct.union(*(_find_dependencies(need) for need in direct))


# ---------------------------------------------------------------- ports and addresses


@each_native
def test_the_ports_that_people_use_are_published(native: str) -> None:
    for name in compose_file.find_counterparts(native):
        expected = {_find_port(name, field) for field in BY_NAME[native].ports if field not in INTERNAL}
        assert set(compose_file.read_ports(name)) == expected


@each_native
def test_a_port_is_the_same_inside(native: str) -> None:
    for name in compose_file.find_counterparts(native):
        assert all(outside == inside for outside, inside in compose_file.read_ports(name).items())


def _find_port(name: str, field: str) -> int:
    if name == "spark-worker2":
        return SECOND_WORKER_PAGE
    return int(getattr(compose_file.load_settings("source"), field))


def test_the_ports_are_those_of_the_demo() -> None:
    assert compose_file.load_settings("source").port_base == PORT_BASES["demo"]


@pytest.mark.parametrize("name", [name for name in ALL if "environment" in service(name)])
def test_addresses_name_a_service_and_its_port(name: str) -> None:
    """Every host:port in the environment is a service of compose and a port of its native counterpart."""
    for key, value in service(name)["environment"].items():
        for host, port in re.findall(r"(?:^|//|@)(?:[^/@\s]*@)?([a-z][\w-]*):(\d{4,5})(?=$|[/,?])", str(value)):
            native = BY_NAME[compose_file.find_native(host)]
            assert int(port) in {_find_port(host, field) for field in native.ports}, f"{key}={value}"


@pytest.mark.parametrize("name", [name for name in ALL if "CDP_HOST" in service(name).get("environment", {})])
def test_a_server_that_listens_on_a_host_name_has_that_host_name(name: str) -> None:
    host = service(name)["environment"]["CDP_HOST"]
    assert host == "0.0.0.0" or (host == name and service(name)["hostname"] == name)


@pytest.mark.parametrize("name", [name for name in ALL if compose_file.read_ports(name)])
def test_a_published_server_listens_beyond_its_own_loopback(name: str) -> None:
    if name in BY_ENTRY:
        assert compose_file.load_settings(name).host != "127.0.0.1"


def test_health_checks_use_the_server_s_own_port() -> None:
    for name in compose_file.find_servers():
        if name not in BY_ENTRY:
            command = " ".join(service(name)["healthcheck"]["test"])
            checked_ports = {int(port) for port in re.findall(r"\b18\d{3}\b", command)}
            assert checked_ports, name
            assert checked_ports <= {_find_port(name, field) for field in BY_NAME[compose_file.find_native(name)].ports}, name


# ---------------------------------------------------------------- our own programs


@pytest.mark.parametrize("name", BY_ENTRY)
def test_our_programs_are_started_as_a_service_that_exists(name: str) -> None:
    verb, native = service(name)["command"][3:]
    assert verb in entry.VERBS
    assert native in BY_NAME
    if verb == "serve":
        assert name in compose_file.find_counterparts(native)
        assert service(name)["healthcheck"]["test"] == ["CMD", *OURS, "probe", native]
    if verb == "prepare":
        assert BY_NAME[native].prepare is not None


@pytest.mark.parametrize("name", [*BY_ENTRY, "jobs"])
def test_the_settings_of_a_container_are_accepted(name: str) -> None:
    try:
        compose_file.load_settings(name)
    except SettingError as error:
        pytest.fail(f"{name}: {error}")


def test_every_preparation_is_done_before_its_services_start() -> None:
    for native in ("airflow-api", "airflow-scheduler", "airflow-dags", "web", "celery-worker", "celery-beat"):
        preparations = {service(need)["command"][4] for need in service(native)["depends_on"] if need in BY_ENTRY}
        assert {BY_NAME[preparation].prepare for preparation in preparations} == {BY_NAME[native].prepare}, native


def test_executors_have_our_python() -> None:
    """Executors run the jobs' Python code with its libraries, and the official image has neither."""
    assert {service(name)["image"] for name in ("spark-worker1", "spark-worker2")} == {service("jobs")["image"]}


def test_our_image_carries_the_version_of_the_project() -> None:
    version = re.search(r'^version = "(.+)"$', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert service("web")["image"] == f"cdp:{version[1]}"


def test_every_address_setting_is_set() -> None:
    """No address has the default of the native stack, except the site's, which is for browsers."""
    settings = compose_file.load_settings("jobs")
    local = {f.name for f in dataclasses.fields(settings) if "127.0.0.1:" in str(getattr(settings, f.name))}
    assert local == {"web_url"}
