"""docker-compose.yml as compose reads it: anchors merged and variables replaced; and the native counterpart of each service."""

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
#: The variables of a .env file that ./run env has made; each secret contains its own name.
ENV_FILE = {variable.name: variable.default for variable in COMPOSE_VARIABLES} | {name: f"secret-{name}" for name in SECRETS}

#: Native service -> its services in compose, if the names differ.
SEVERAL = {"spark-worker": ("spark-worker1", "spark-worker2")}
#: Services that do one thing and end, or that people start.
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

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<operator>:-|:\?)(?P<rest>[^}]*))?\})")


@cache
def read_document() -> dict[str, Any]:
    """The file with anchors merged and variables not replaced."""
    loaded: dict[str, Any] = yaml.safe_load(PATH.read_text())
    return loaded


def service(name: str) -> dict[str, Any]:
    """A service with its variables replaced by ENV_FILE and the defaults."""
    replaced: dict[str, Any] = _replace_variables(read_document()["services"][name])
    return replaced


def find_variables() -> list[tuple[str, str | None, str]]:
    """Each use of a variable in the file: name, `:-` or `:?` or None, default or message."""
    return [(m["name"], m["operator"], m["rest"] or "") for m in _VARIABLE.finditer(PATH.read_text()) if m["name"]]


def load_settings(name: str) -> Settings:
    """The settings that our programs read in that container."""
    environment = service(name)["environment"]
    return load(
        {"CDP_VAR_DIR": "/var/lib/cdp"} | {key: str(value) for key, value in environment.items() if key.startswith("CDP_")}
    )


def find_counterparts(native: str) -> tuple[str, ...]:
    return SEVERAL.get(native, (native,))


def find_native(name: str) -> str:
    """The native counterpart of a service of compose; empty if it has none."""
    return next((s.name for s in SERVICES if name in find_counterparts(s.name)), "")


def find_servers() -> list[str]:
    return [name for name in read_document()["services"] if name not in ONCE]


def read_ports(name: str) -> dict[int, int]:
    """Published ports: port on the host -> port in the container."""
    parts = [str(entry).split(":") for entry in service(name).get("ports", [])]
    return {int(outside): int(inside) for _, outside, inside in parts}


def read_mounts(name: str) -> list[tuple[str, str, str]]:
    """Source, target and mode of each mount."""
    parts = [str(entry).split(":") for entry in service(name).get("volumes", [])]
    return [(part[0], part[1], part[2] if len(part) > 2 else "rw") for part in parts]


def _replace_variables(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _replace_variables(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replace_variables(inner) for inner in value]
    return _VARIABLE.sub(_find_value, value) if isinstance(value, str) else value


def _find_value(match: re.Match[str]) -> str:
    if match["name"] is None:
        return "$"
    return ENV_FILE.get(match["name"]) or (match["rest"] if match["operator"] == ":-" else "")
