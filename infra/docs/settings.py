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
    "segment_max_rows": "Segments",
    "recommend_rate": "Recommendations",
    "admin_user": "The site",
}
#: Stands for the clone in what is written here: no path of a machine.
HERE = "./"

MARKDOWN_HEAD = f"""\
# Settings

Every value that can differ between two installations. The settings are defined in `cdp/settings.py`;
`.venv/bin/python -m infra.docs` writes this page from there.

## Set a value

```
export CDP_WEB_PORT=18080         # where every shell reads it, because later commands need it too
./run down; ./run up              # running services keep the values they were started with
```

A setting comes from the environment variable `NAME`, or from the file that `NAME_FILE` names; use a file for secrets. Setting
both is an error. Without either, the default applies. A default may use other settings, shown as `${{NAME}}`.

- The native stack does not read `.env`. Docker compose reads the `.env` beside `docker-compose.yml`:
  [operations](operations.md#docker-compose) says which settings it uses.
- A wrong value, or an unknown name that begins with `CDP_`, stops the command with a message that names the setting.
- A secret marked *made* is generated at the first start and kept in `var/<stack>/secrets`, unless you set it.
- Ports are those of the stack `demo`. The number in brackets is added to the first port of a stack (`CDP_PORT_BASE`):
  {PORT_BASES["demo"]} for `demo`, {PORT_BASES["test"]} for `test`, a number computed from the name for any other stack.
"""

EXAMPLE_HEAD = """\
# Every setting with its default. Written from cdp/settings.py by python -m infra.docs; do not edit.
#
# For docker compose: ./run env writes .env, with secrets. To change a setting that docker-compose.yml names, copy its line into
# .env without the leading #. A line for any other setting has no effect.
# The native stack reads the environment, not .env: CDP_WEB_PORT=18080 ./run up
"""


def settings_markdown() -> str:
    """The page of all settings: a table a section."""
    lines = [MARKDOWN_HEAD.rstrip()]
    for title, members in _sections():
        lines += ["", f"## {title}", "", "| setting | default | values | meaning |", "|---|---|---|---|"]
        lines += [f"| `{env_name(f.name)}` | {_shown_default(f)} | {_takes(f)} | {about(f).help} |" for f in members]
    lines += ["", "## Only for docker compose", "", "These are not settings: only compose reads them, from `.env`.", ""]
    lines += ["| variable | default | meaning |", "|---|---|---|"]
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
