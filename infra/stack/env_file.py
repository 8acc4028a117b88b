"""./run env: the file .env that docker compose reads its secrets from. What stands in it is kept; what is missing is added.

The native stack reads no such file: its secrets are in var/<stack>/secrets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cdp.settings import REPOSITORY, env_name, secrets_to_make
from infra.stack.secrets import make
from infra.stack.stack import Stack, StackError, write_private
from infra.stack.tools import say

ENV_FILE = REPOSITORY / ".env"
HEAD = """\
# Read by docker compose, never committed. Made by ./run env, which keeps what stands here and adds what is missing.
# Whatever docs/settings.md lists may be added; docker-compose.yml says which settings it takes up.
"""
#: These are parts of CDP_MONGO_URL and CDP_REDIS_URL in docker-compose.yml.
IN_ADDRESSES = ("MONGO_USER", "MONGO_PASSWORD", "CDP_REDIS_PASSWORD")
_PLAIN = re.compile(r"[\w.~-]+", re.ASCII)
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)")


@dataclass(frozen=True, slots=True)
class ComposeVariable:
    """A variable of docker-compose.yml that is no setting, so it has no CDP_ before its name."""

    name: str
    help: str
    default: str = ""
    secret: bool = False


COMPOSE_VARIABLES = (
    ComposeVariable("COMPOSE_PROJECT_NAME", "First part of the names of all containers and volumes.", "cdp"),
    ComposeVariable("MONGO_USER", "Login that MongoDB is made with; goes into CDP_MONGO_URL.", "cdp"),
    ComposeVariable("MONGO_PASSWORD", "Its password; letters and digits only, for it stands in an address.", secret=True),
)


def write_env(stack: Stack, path: Path = ENV_FILE) -> list[str]:
    """Make or complete the file; returns the names that it gave a value, and says them, never the values."""
    text = path.read_text() if path.exists() else HEAD
    given = values(text)
    missing = {name: value for name, value in _wanted(stack).items() if not given.get(name)}
    _check_addresses(given | missing)
    write_private(path, _with(text, missing))
    say(f"{path}: {len(missing)} values made ({', '.join(missing)})" if missing else f"{path}: nothing was missing")
    return list(missing)


def values(text: str) -> dict[str, str]:
    """What the file gives, as compose reads it; of two lines for one name the last counts."""
    found = (_ASSIGNMENT.fullmatch(line.strip()) for line in text.splitlines())
    return {match[1]: match[2].strip().strip("'\"") for match in found if match}


def _wanted(stack: Stack) -> dict[str, str]:
    """Every value that compose can't do without. A secret that this stack has already is taken over: one login for both."""
    secrets = {env_name(name): getattr(stack.settings, name) or make(how) for name, how in secrets_to_make().items()}
    return secrets | {variable.name: variable.default or make("hex") for variable in COMPOSE_VARIABLES}


def _with(text: str, missing: dict[str, str]) -> str:
    """The text with these values: in the place of the empty lines for a name, or at the end."""
    named = [(_name(line), line) for line in text.splitlines()]
    lines = [f"{name}={missing[name]}" if name in missing else line for name, line in named]
    there = {name for name, _ in named}
    lines += [f"{name}={value}" for name, value in missing.items() if name not in there]
    return "\n".join(lines) + "\n"


def _name(line: str) -> str:
    match = _ASSIGNMENT.fullmatch(line.strip())
    return match[1] if match else ""


def _check_addresses(given: dict[str, str]) -> None:
    """What docker-compose.yml puts into an address must not need quoting there."""
    for name in IN_ADDRESSES:
        if not _PLAIN.fullmatch(given[name]):
            raise StackError(f"{name} in .env stands in an address: use only letters, digits and . _ ~ -")
