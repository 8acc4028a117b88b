"""docker-compose.yml as compose reads it: anchors merged, variables replaced; and which service of it is which native one."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml

from cdp.settings import REPOSITORY, Settings, load
from infra.stack.env_file import COMPOSE_VARIABLES
from infra.stack.services import SERVICES

PATH = REPOSITORY / "docker-compose.yml"
SECRETS = (
    "CDP_POSTGRES_PASSWORD", "CDP_REDIS_PASSWORD", "CDP_ADMIN_PASSWORD", "CDP_DJANGO_SECRET_KEY", "CDP_AIRFLOW_PASSWORD",
    "CDP_AIRFLOW_JWT_SECRET", "CDP_AIRFLOW_FERNET_KEY", "MONGO_PASSWORD",
)  # fmt: skip
#: What a .env file made by ./run env gives; every secret says which it is.
ENV_FILE = {variable.name: variable.default for variable in COMPOSE_VARIABLES} | {name: f"secret-{name}" for name in SECRETS}

#: Native service -> its services in compose, where the names differ.
SEVERAL = {"spark-worker": ("spark-worker1", "spark-worker2")}
#: Services that do one thing and end, or that a person starts.
ONCE = (
    "kafka-format",
    "kafka-topics",
    "hdfs-volumes",
    "namenode-format",
    "spark-history-init",
    "airflow-init",
    "site-init",
    "jobs",
)
OURS = ["python", "-m", "infra.docker"]

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<how>:-|:\?)(?P<rest>[^}]*))?\})")


@cache
def document() -> dict[str, Any]:
    """The file with its anchors merged and its variables as they are."""
    loaded: dict[str, Any] = yaml.safe_load(PATH.read_text())
    return loaded


def services() -> dict[str, dict[str, Any]]:
    """All services, their variables replaced by what ENV_FILE gives and by the defaults."""
    return {name: _replaced(service) for name, service in document()["services"].items()}


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _replaced(document()["services"][name])
    return found


def variables() -> list[tuple[str, str | None, str]]:
    """Each use of a variable in the file: name, `:-` or `:?` or None, default or message."""
    return [(m["name"], m["how"], m["rest"] or "") for m in _VARIABLE.finditer(PATH.read_text()) if m["name"]]


def settings(name: str) -> Settings:
    """The settings as a program of ours reads them in that container."""
    given = service(name)["environment"]
    return load({"CDP_VAR_DIR": "/var/lib/cdp"} | {key: str(value) for key, value in given.items() if key.startswith("CDP_")})


def counterparts(native: str) -> tuple[str, ...]:
    return SEVERAL.get(native, (native,))


def native_of(name: str) -> str:
    """The native service that a service of compose is, or nothing."""
    return next((s.name for s in SERVICES if name in counterparts(s.name)), "")


def servers() -> list[str]:
    return [name for name in document()["services"] if name not in ONCE]


def ports(name: str) -> dict[int, int]:
    """Published ports: outside -> inside."""
    parts = [str(entry).split(":") for entry in service(name).get("ports", [])]
    return {int(outside): int(inside) for _, outside, inside in parts}


def mounts(name: str) -> list[tuple[str, str, str]]:
    """Source, target and mode."""
    parts = [str(entry).split(":") for entry in service(name).get("volumes", [])]
    return [(part[0], part[1], part[2] if len(part) > 2 else "rw") for part in parts]


def _replaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner) for inner in value]
    return _VARIABLE.sub(_value, value) if isinstance(value, str) else value


def _value(match: re.Match[str]) -> str:
    if match["name"] is None:
        return "$"
    return ENV_FILE.get(match["name"]) or (match["rest"] if match["how"] == ":-" else "")
