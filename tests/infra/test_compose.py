"""docker-compose.yml alone: what every service must have, and what none may have."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from cdp.settings import REPOSITORY, Settings, about, env_name, load, secrets_to_make
from infra.stack.env_file import COMPOSE_VARIABLES
from tests.infra import compose_file
from tests.infra.compose_file import ONCE, service

ALL = list(compose_file.read_document()["services"])
SERVERS = compose_file.find_servers()
each_service = pytest.mark.parametrize("name", ALL)
each_server = pytest.mark.parametrize("name", SERVERS)


def test_the_list_of_services_that_end_is_right() -> None:
    assert {name for name in ALL if service(name)["restart"] == "no"} == set(ONCE)


@each_server
def test_a_server_has_a_health_check(name: str) -> None:
    health = service(name)["healthcheck"]
    assert health["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= health.keys()


@each_service
def test_a_service_has_limits(name: str) -> None:
    assert re.fullmatch(r"\d+[mg]", service(name)["mem_limit"])
    assert 0 < service(name)["cpus"] <= 2, "more than a small machine has would keep the container from starting"


@each_server
def test_a_server_is_restarted(name: str) -> None:
    assert service(name)["restart"] == "unless-stopped"


@each_service
def test_logs_are_rotated(name: str) -> None:
    options = service(name)["logging"]["options"]
    assert {"max-size", "max-file"} <= options.keys()


@each_service
def test_a_service_gains_no_privileges(name: str) -> None:
    assert service(name)["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service(name)


@each_service
def test_ports_are_for_this_machine_only(name: str) -> None:
    for entry in service(name).get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", entry)


def test_no_port_is_published_twice() -> None:
    published = [port for name in ALL for port in compose_file.read_ports(name)]
    assert len(published) == len(set(published))


@each_service
def test_mounted_files_exist_and_are_read_only(name: str) -> None:
    for source, target, mode in compose_file.read_mounts(name):
        if source.startswith("."):
            assert (REPOSITORY / source).exists(), f"{source} on {target}"
            assert mode == "ro"
        else:
            assert source in compose_file.read_document()["volumes"]


def test_every_volume_is_used() -> None:
    used = {source for name in ALL for source, _, _ in compose_file.read_mounts(name)}
    assert set(compose_file.read_document()["volumes"]) <= used


@each_service
def test_a_service_waits_for_existing_services_with_the_right_condition(name: str) -> None:
    for need, dependency in service(name).get("depends_on", {}).items():
        assert need in ALL
        assert dependency["condition"] == ("service_completed_successfully" if need in ONCE else "service_healthy")


@each_service
def test_images_are_pinned(name: str) -> None:
    image, _, tag = service(name)["image"].partition(":")
    assert re.match(r"\d+\.\d+", tag), f"{image} has the tag {tag or 'latest'}"


# ---------------------------------------------------------------- variables and secrets


def test_every_variable_is_a_setting_or_documented() -> None:
    known = {env_name(f.name) for f in fields(Settings)} | {variable.name for variable in COMPOSE_VARIABLES}
    assert {name for name, _, _ in compose_file.find_variables()} <= known


def test_defaults_are_those_of_the_table() -> None:
    settings = load({"CDP_VAR_DIR": "/nonexistent"})
    for name, operator, default in compose_file.find_variables():
        if operator == ":-":
            assert default == str(getattr(settings, name.removeprefix("CDP_").lower())), name


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
    argv = [program, "--env-file", str(tmp_path / "env"), "-f", str(compose_file.PATH), "config"]
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
