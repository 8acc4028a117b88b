"""docs/settings.md and .env.example, from the table of settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, fields
from typing import Any

from cdp.settings import PORT_BASES, REPOSITORY, Settings, about, env_name, load
from infra.stack.env_file import COMPOSE_VARIABLES

MARKDOWN_FILE = REPOSITORY / "docs" / "settings.md"
EXAMPLE_FILE = REPOSITORY / ".env.example"
#: The first setting of each section, and the section's title; the table has them in this order.
SECTIONS = {
    "stack": "The stack itself",
    "web_port": "Ports",
    "postgres_password": "Secrets",
    "kafka_bootstrap": "Where things answer",
    "kafka_heap": "Sizes",
    "admin_user": "The site",
}
#: Stands for the clone in what is written here: no path of a machine.
HERE = "./"

MARKDOWN_HEAD = f"""\
# Settings

Every value that can differ between two installations, and nothing else. The table is in `cdp/settings.py`; this page is
written from it by `.venv/bin/python -m infra.docs`.

- A setting comes from the environment, also of each later command: put `export CDP_WEB_PORT=18080` where every shell
  reads it. Services that run keep what they were started with: `./run down; ./run up` after a change. The native stack
  reads no `.env`.
- Or from a file: `NAME_FILE` names a file that holds the value of `NAME`, for secrets above all.
- Or from its default. A default may use other settings; they are shown as `${{NAME}}`.
- A wrong value, and an unknown name that begins with `CDP_`, stops whatever was started, with a message that names the setting.
- A secret marked *made* is made at the first start and kept in `var/<stack>/secrets`, unless it is given.
- Ports are shown as the stack `demo` has them, and in brackets what is added to the first port of a stack
  (`CDP_PORT_BASE`): {PORT_BASES["demo"]} for `demo`, {PORT_BASES["test"]} for `test`, for another a number made from its name.

Docker compose reads `.env` beside `docker-compose.yml`: [operations](operations.md#docker-compose) says which settings
it takes up.
"""

EXAMPLE_HEAD = """\
# Every setting with its default, written from cdp/settings.py by python -m infra.docs; do not edit.
#
# ./run env makes .env, with secrets, for docker compose; to change one that docker-compose.yml names, copy its line from here
# into .env, without the # before it; a line for any other has no effect.
# The native stack reads the environment, not .env: CDP_WEB_PORT=18080 ./run up
"""


def settings_markdown() -> str:
    """The page of all settings: a table a section."""
    lines = [MARKDOWN_HEAD.rstrip()]
    for title, members in _sections():
        lines += ["", f"## {title}", "", "| setting | default | takes | says |", "|---|---|---|---|"]
        lines += [f"| `{env_name(f.name)}` | {_shown_default(f)} | {_takes(f)} | {about(f).help} |" for f in members]
    lines += ["", "## Only for docker compose", "", "These are no settings: compose alone reads them, from `.env`.", ""]
    lines += ["| variable | default | says |", "|---|---|---|"]
    lines += [f"| `{v.name}` | {'made' if v.secret else f'`{v.default}`'} | {v.help} |" for v in COMPOSE_VARIABLES]
    return "\n".join(lines) + "\n"


def env_example() -> str:
    """Every setting as a line of a .env file: defaults behind a #, secrets that compose needs empty."""
    settings = load({"CDP_VAR_DIR": "/nonexistent"})  # no secret of this machine can get in
    lines = [EXAMPLE_HEAD.rstrip()]
    for title, members in _sections():
        lines += ["", f"# ---- {title}"]
        for f in members:
            lines += ["", f"# {about(f).help}", _example_line(f, settings)]
    lines += ["", "# ---- Only for docker compose"]
    for variable in COMPOSE_VARIABLES:
        lines += ["", f"# {variable.help}", f"{'' if variable.secret else '#'}{variable.name}={variable.default}"]
    return "\n".join(lines) + "\n"


def _sections() -> Iterator[tuple[str, list[Field[Any]]]]:
    title = ""
    members: list[Field[Any]] = []
    for f in fields(Settings):
        if f.name in SECTIONS and members:
            yield title, members
            members = []
        title = SECTIONS.get(f.name, title)
        members.append(f)
    yield title, members


def _example_line(f: Field[Any], settings: Settings) -> str:
    """The line sets nothing: behind a # the default, or for a secret that compose needs no value yet."""
    note = about(f)
    if note.secret:
        return f"{'' if note.generate else '#'}{env_name(f.name)}="
    return f"#{env_name(f.name)}={_default(f, {g.name: getattr(settings, g.name) for g in fields(Settings)})}"


def _default(f: Field[Any], values: dict[str, Any]) -> str:
    """The default with these values for the settings that it uses, and no path of this machine."""
    note = about(f)
    text = str(values["port_base"] + note.offset) if note.offset is not None else note.default.format(**values)
    return text.replace(f"{REPOSITORY}/", HERE)


def _shown_default(f: Field[Any]) -> str:
    note = about(f)
    if note.generate:
        return "made"
    if note.offset is not None:
        return f"`{PORT_BASES['demo'] + note.offset}` (+{note.offset})"
    text = _default(f, {g.name: f"${{{env_name(g.name)}}}" for g in fields(Settings)})
    return f"`{text}`" if text else "empty"


def _takes(f: Field[Any]) -> str:
    note = about(f)
    if note.offset is not None:
        return "port"
    if note.choices:
        kind = "one of " + ", ".join(f"`{choice}`" for choice in note.choices)
    elif note.pattern:
        kind = f"`{note.pattern}`".replace("|", "\\|")
    else:
        kind = {"str": "text", "int": f"number, {note.minimum} or more", "bool": "yes or no", "Path": "directory"}[str(f.type)]
    return f"{kind}; secret" if note.secret else kind
