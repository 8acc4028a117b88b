"""Writes docker-compose.yml from infra/docker/containers.py and the native stack's description of its services."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from typing import Any

import yaml

from cdp.settings import REPOSITORY
from infra.docker.containers import CONTAINERS, Container
from infra.docker.variables import PUBLIC, SECRETS, SETTINGS, build_variables
from infra.stack.services import BY_NAME

COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
HEAD = """\
# Written by `.venv/bin/python -m infra.docs` from infra/docker/containers.py and infra/stack/services; do not edit.
# The platform in containers: see docs/operations.md. Type ./run env, then docker compose up -d.
"""
#: Ports that only servers use, so they are not published.
INTERNAL = {"kafka_controller_port", "datanode1_ipc_port", "datanode2_ipc_port", "spark_worker_port", "airflow_log_port"}
VERSION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]

SHARED: dict[str, dict[str, Any]] = {
    "container": {
        "init": True,
        "stop_grace_period": "30s",
        "security_opt": ["no-new-privileges:true"],
        "logging": {"driver": "json-file", "options": {"max-size": "20m", "max-file": "3"}},
    },
    # infra/docker/__main__.py starts our programs from the native stack's description of the service.
    "image": {"image": f"cdp:{VERSION}", "build": {"context": ".", "dockerfile": "infra/docker/Dockerfile"}},
    "health": {"interval": "10s", "timeout": "10s", "retries": 6, "start_period": "90s"},
    # Our own probe starts Python and connects to another server, so it runs only every 30 s.
    "slow-health": {"interval": "30s", "timeout": "25s", "retries": 4, "start_period": "180s"},
    "settings": PUBLIC,
    "secrets": SECRETS,
}


class Merged(dict[str, Any]):
    """A mapping that is written as references to shared parts, and its own entries."""

    def __init__(self, parts: tuple[str, ...], own: Mapping[str, Any]) -> None:
        super().__init__(own)
        self.parts = [SHARED[part] for part in parts]


def compose_yaml() -> str:
    services = {container.name: _build_service(container) for container in CONTAINERS}
    sources = [volume.partition(":")[0] for container in CONTAINERS for volume in container.volumes]
    volumes = {source: None for source in sources if not source.startswith(".")}
    document = {f"x-{name}": part for name, part in SHARED.items()} | {"services": services, "volumes": volumes}
    return HEAD + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=sys.maxsize)


def _build_service(container: Container) -> Merged:
    ours = not container.image
    command = container.command or (_build_command(container) if ours else ())
    own: dict[str, Any] = {
        "image": container.image,
        "hostname": container.name,
        "command": command,
        "entrypoint": container.entrypoint,
        "environment": _build_environment(container),
        "volumes": container.volumes,
        "depends_on": {need: {"condition": _find_condition(need)} for need in _find_dependencies(container)},
        "healthcheck": _build_health(container),
        "ports": _build_ports(container),
        "restart": "unless-stopped" if container.service else "no",
        "mem_limit": container.memory,
        "cpus": container.cpus,
    }
    present = {key: value for key, value in own.items() if value or isinstance(value, Merged)}
    return Merged(("container", "image") if ours else ("container",), present | dict(container.options))


def _build_command(container: Container) -> tuple[str, ...]:
    verb, name = ("serve", container.service.name) if container.service else ("prepare", container.prepares)
    return ("python", "-m", "infra.docker", verb, name) if name else ()


def _build_environment(container: Container) -> Mapping[str, Any]:
    """Our programs read settings; the program of another project has variables of its own."""
    if container.image:
        return container.environment
    own = build_variables(container.settings, SETTINGS) | dict(container.environment)
    return Merged(("settings", "secrets") if container.secrets else ("settings",), own)


def _build_health(container: Container) -> Merged | None:
    if container.service is None:
        return None
    ours = ("CMD", "python", "-m", "infra.docker", "probe", container.service.name)
    slow = not container.image or container.slow_health
    return Merged(("slow-health" if slow else "health",), {"test": container.health or ours})


def _build_ports(container: Container) -> list[str]:
    """Ports have the same number outside, on this machine only."""
    names = [name for name in (container.service.ports if container.service else ()) if name not in INTERNAL]
    ports = [getattr(container.settings, name) for name in names]
    return [f"127.0.0.1:{port}:{port}" for port in ports]


def _find_dependencies(container: Container) -> list[str]:
    """What the native service needs, directly; an initialiser waits for what the service that it prepares needs."""
    service = container.service or BY_NAME.get(container.prepares)
    if service is None:
        return list(container.after)
    preparations = [c.name for c in CONTAINERS if c.prepares and BY_NAME[c.prepares].prepare is service.prepare]
    needs = [c.name for c in CONTAINERS if c.service and c.service.name in service.needs]
    return [*container.after, *(name for name in preparations if container.service), *needs]


def _find_condition(name: str) -> str:
    container = next(c for c in CONTAINERS if c.name == name)
    return "service_healthy" if container.service else "service_completed_successfully"


class _Dumper(yaml.SafeDumper):
    """Anchors only for the shared parts, and lists on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return not any(data is part for part in SHARED.values())

    def generate_anchor(self, node: yaml.Node) -> str:
        return next(name for name, part in SHARED.items() if self.represented_objects.get(id(part)) is node)


def _represent_list(dumper: _Dumper, data: Any) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)


def _represent_merged(dumper: _Dumper, data: Merged) -> yaml.Node:
    node = dumper.represent_dict(data.items())
    parts = [dumper.represent_data(part) for part in data.parts]
    key = yaml.ScalarNode("tag:yaml.org,2002:merge", "<<")
    node.value.insert(
        0, (key, parts[0] if len(parts) == 1 else yaml.SequenceNode("tag:yaml.org,2002:seq", parts, flow_style=True))
    )
    return node


_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(tuple, _represent_list)
_Dumper.add_representer(Merged, _represent_merged)
