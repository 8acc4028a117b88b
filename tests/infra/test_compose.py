"""docker-compose.yml by itself: what every service must have, and what none may have."""

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

ALL = list(compose_file.document()["services"])
SERVERS = compose_file.servers()
each_service = pytest.mark.parametrize("name", ALL)
each_server = pytest.mark.parametrize("name", SERVERS)


def test_the_list_of_services_that_end_is_right() -> None:
    assert {name for name in ALL if service(name)["restart"] == "no"} == set(ONCE)


@each_server
def test_a_server_says_when_it_is_healthy(name: str) -> None:
    health = service(name)["healthcheck"]
    assert health["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= health.keys()


@each_service
def test_a_service_has_limits(name: str) -> None:
    assert re.fullmatch(r"\d+[mg]", service(name)["mem_limit"])
    assert 0 < service(name)["cpus"] <= 2, "more than a small machine has would keep the container from starting"


@each_server
def test_a_server_starts_again(name: str) -> None:
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
    published = [port for name in ALL for port in compose_file.ports(name)]
    assert len(published) == len(set(published))


@each_service
def test_what_is_mounted_exists_and_is_read_only(name: str) -> None:
    for source, target, mode in compose_file.mounts(name):
        if source.startswith("."):
            assert (REPOSITORY / source).exists(), f"{source} on {target}"
            assert mode == "ro"
        else:
            assert source in compose_file.document()["volumes"]


def test_every_volume_is_used() -> None:
    used = {source for name in ALL for source, _, _ in compose_file.mounts(name)}
    assert set(compose_file.document()["volumes"]) <= used


@each_service
def test_a_service_waits_for_what_exists_and_in_the_right_way(name: str) -> None:
    for need, how in service(name).get("depends_on", {}).items():
        assert need in ALL
        assert how["condition"] == ("service_completed_successfully" if need in ONCE else "service_healthy")


@each_service
def test_images_are_pinned(name: str) -> None:
    image, _, tag = service(name)["image"].partition(":")
    assert re.match(r"\d+\.\d+", tag), f"{image} has the tag {tag or 'latest'}"


# ---------------------------------------------------------------- variables and secrets


def test_every_variable_is_a_setting_or_documented() -> None:
    known = {env_name(f.name) for f in fields(Settings)} | {variable.name for variable in COMPOSE_VARIABLES}
    assert {name for name, _, _ in compose_file.variables()} <= known


def test_defaults_are_those_of_the_table() -> None:
    settings = load({"CDP_VAR_DIR": "/nonexistent"})
    for name, how, default in compose_file.variables():
        if how == ":-":
            assert default == str(getattr(settings, name.removeprefix("CDP_").lower())), name


def test_a_secret_has_no_default() -> None:
    secret = {env_name(name) for name in secrets_to_make()} | {v.name for v in COMPOSE_VARIABLES if v.secret}
    used = {name: how for name, how, _ in compose_file.variables() if name in secret}
    assert used.keys() == secret, "each secret is asked for"
    assert set(used.values()) == {":?"}
    assert {message for name, _, message in compose_file.variables() if name in secret} == {"run ./run env first"}


def test_no_password_stands_in_the_file() -> None:
    """Whatever is called a password, a key, a token or a login comes from a variable."""
    telling = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY|_AUTH$|_URL$")
    optional = {env_name(f.name) for f in fields(Settings) if about(f).secret and not about(f).generate}
    for name in ALL:
        for key, value in compose_file.document()["services"][name].get("environment", {}).items():
            if telling.search(key) and not (key.endswith("_URL") and "@" not in value):
                assert "${" in value, f"{name}: {key}"
                assert ":?" in value or key in optional, f"{name}: {key} may be empty"


def test_no_password_is_on_a_command_line() -> None:
    """Every user of the machine can read those."""
    for name in ALL:
        said = [*service(name).get("command", []), *service(name).get("entrypoint", [])]
        assert "secret-" not in " ".join(said)


def test_the_source_gets_no_secret_of_another() -> None:
    assert not [key for key, value in service("source")["environment"].items() if "secret-" in str(value)]


# ---------------------------------------------------------------- by compose itself


def _config(tmp_path: Path, env_file: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    assert program, "docker-compose is missing, which this test needs. Install it: apt-get install docker-compose"
    (tmp_path / "env").write_text(env_file)
    argv = [program, "--env-file", str(tmp_path / "env"), "-f", str(compose_file.PATH), "config"]
    return subprocess.run(argv, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})


@pytest.mark.subprocess
def test_compose_takes_the_file(tmp_path: Path) -> None:
    done = _config(tmp_path, "".join(f"{name}={value}\n" for name, value in compose_file.ENV_FILE.items()))
    assert done.returncode == 0, done.stderr
    read = yaml.safe_load(done.stdout)["services"]
    assert read.keys() == set(ALL)
    for name in ALL:
        ours = {key: str(value) for key, value in service(name).get("environment", {}).items()}
        assert {key: str(value) for key, value in read[name].get("environment", {}).items()} == ours


@pytest.mark.subprocess
def test_compose_says_what_to_do_without_secrets(tmp_path: Path) -> None:
    done = _config(tmp_path, "")
    assert done.returncode != 0
    assert "run ./run env first" in done.stderr
