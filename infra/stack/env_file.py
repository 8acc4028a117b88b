"""./run env: writes .env, from which docker compose reads its secrets. Values in the file are kept; missing ones are added.

The native stack does not read .env: its secrets are in var/<stack>/secrets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cdp.settings import REPOSITORY, env_name, secrets_to_make
from infra.stack.secrets import make_secret
from infra.stack.stack import Stack, StackError, write_private
from infra.stack.tools import say

ENV_FILE = REPOSITORY / ".env"
HEAD = """\
# Read by docker compose; never commit this file. ./run env keeps the values here and adds the missing ones.
# Any setting of docs/settings.md may be added; those that docker-compose.yml names have an effect.
"""
#: These are parts of CDP_MONGO_URL and CDP_REDIS_URL in docker-compose.yml.
IN_ADDRESSES = ("MONGO_USER", "MONGO_PASSWORD", "CDP_REDIS_PASSWORD")
_PLAIN = re.compile(r"[\w.~-]+", re.ASCII)
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)")


@dataclass(frozen=True, slots=True)
class ComposeVariable:
    """A variable of docker-compose.yml that is not a setting, so its name does not begin with CDP_."""

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
    """Create or complete the file. Returns and prints the names that were added, never their values."""
    text = path.read_text() if path.exists() else HEAD
    present = parse_env(text)
    missing = {name: value for name, value in _make_required(stack).items() if not present.get(name)}
    _check_addresses(present | missing)
    write_private(path, _fill_in(text, missing))
    say(f"{path}: {len(missing)} values added ({', '.join(missing)})" if missing else f"{path}: nothing was missing")
    return list(missing)


def parse_env(text: str) -> dict[str, str]:
    """Names and values as compose reads them; the last line for a name counts."""
    matches = (_ASSIGNMENT.fullmatch(line.strip()) for line in text.splitlines())
    return {match[1]: match[2].strip().strip("'\"") for match in matches if match}


def _make_required(stack: Stack) -> dict[str, str]:
    """A value for every variable that compose requires. Secrets that this stack has are reused, so one login works for both."""
    secrets = {env_name(name): getattr(stack.settings, name) or make_secret(kind) for name, kind in secrets_to_make().items()}
    return secrets | {variable.name: variable.default or make_secret("hex") for variable in COMPOSE_VARIABLES}


def _fill_in(text: str, missing: dict[str, str]) -> str:
    """The text with the missing values: on the line of their name if there is one, else at the end."""
    named = [(_read_name(line), line) for line in text.splitlines()]
    lines = [f"{name}={missing[name]}" if name in missing else line for name, line in named]
    present = {name for name, _ in named}
    lines += [f"{name}={value}" for name, value in missing.items() if name not in present]
    return "\n".join(lines) + "\n"


def _read_name(line: str) -> str:
    match = _ASSIGNMENT.fullmatch(line.strip())
    return match[1] if match else ""


def _check_addresses(values: dict[str, str]) -> None:
    """Values that docker-compose.yml puts into a URL must not need quoting there."""
    for name in IN_ADDRESSES:
        if not _PLAIN.fullmatch(values[name]):
            raise StackError(f"{name} in .env becomes part of a URL, so it may hold only letters, digits and . _ ~ -")
