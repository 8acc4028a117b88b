"""docker-compose.yml as compose reads it: shared parts merged and variables replaced."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml

from cdp.settings import Settings, load
from infra.docker.compose import COMPOSE_FILE
from infra.stack.env_file import COMPOSE_VARIABLES

SECRETS = (
    "CDP_POSTGRES_PASSWORD", "CDP_REDIS_PASSWORD", "CDP_SHOP_PASSWORD", "CDP_SHOP_CDC_PASSWORD", "CDP_SHOP_READER_PASSWORD",
    "CDP_ADMIN_PASSWORD", "CDP_DJANGO_SECRET_KEY", "CDP_AIRFLOW_PASSWORD",
    "CDP_AIRFLOW_JWT_SECRET", "CDP_AIRFLOW_FERNET_KEY", "CDP_RECOMMEND_TOKEN", "MONGO_PASSWORD",
)  # fmt: skip
#: The variables of a .env file that ./run env has made; each secret contains its own name.
ENV_FILE = {variable.name: variable.default for variable in COMPOSE_VARIABLES} | {name: f"secret-{name}" for name in SECRETS}

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<operator>:-|:\?)(?P<rest>[^}]*))?\})")


@cache
def read_document() -> dict[str, Any]:
    """The file with shared parts merged and variables not replaced."""
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
    return loaded


def service(name: str) -> dict[str, Any]:
    """A service with its variables replaced by ENV_FILE and the defaults."""
    replaced: dict[str, Any] = _replace_variables(read_document()["services"][name])
    return replaced


def find_variables() -> list[tuple[str, str | None, str]]:
    """Each use of a variable in the file: name, `:-` or `:?` or None, default or message."""
    return [(m["name"], m["operator"], m["rest"] or "") for m in _VARIABLE.finditer(COMPOSE_FILE.read_text()) if m["name"]]


def load_settings(name: str) -> Settings:
    """The settings that our programs read in that container."""
    environment = service(name)["environment"]
    return load(
        {"CDP_VAR_DIR": "/var/lib/cdp"} | {key: str(value) for key, value in environment.items() if key.startswith("CDP_")}
    )


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
