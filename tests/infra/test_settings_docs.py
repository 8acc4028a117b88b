"""docs/settings.md and .env.example agree with the table of settings."""

from __future__ import annotations

import re
from dataclasses import Field, fields
from typing import Any

import pytest

from cdp import settings as table
from cdp.settings import REPOSITORY, Settings, about, env_name, load
from infra.docs import settings as settings_docs
from infra.stack.env_file import COMPOSE_VARIABLES

FIELDS = fields(Settings)


def test_sections_are_those_of_the_table() -> None:
    source = (REPOSITORY / "cdp" / "settings.py").read_text()
    body = source[source.index("class Settings:") :]
    sections = re.findall(r"^    # (.+?)(?::.*)?\n    (\w+):", body, re.MULTILINE)
    assert {name: title for title, name in sections} == settings_docs.SECTIONS


def test_every_setting_has_a_row_with_its_help() -> None:
    rows = [line for line in settings_docs.settings_markdown().splitlines() if line.startswith("| `CDP_")]
    assert [row.split("`")[1] for row in rows] == [env_name(f.name) for f in FIELDS]
    for f, row in zip(FIELDS, rows, strict=True):
        assert row.endswith(f"| {about(f).help} |")
        assert len(re.split(r"(?<!\\)\|", row)) == 6, "an unescaped bar would start a new cell"


def test_every_setting_is_once_in_the_example_with_its_help() -> None:
    text = settings_docs.env_example()
    for f in FIELDS:
        assert len(re.findall(rf"^#?{env_name(f.name)}=", text, re.MULTILINE)) == 1
        assert re.search(rf"^# {re.escape(about(f).help)}\n#?{env_name(f.name)}=", text, re.MULTILINE)


def test_the_defaults_of_the_example_are_the_defaults() -> None:
    """Loading the example as settings changes nothing."""
    lines = [line.removeprefix("#") for line in settings_docs.env_example().splitlines() if re.match(r"#CDP_\w+=", line)]
    values = dict(line.split("=", 1) for line in lines)
    public = {name: value for name, value in values.items() if not about(_field(name)).secret and name != "CDP_VAR_DIR"}
    defaults = load({"CDP_VAR_DIR": "/nonexistent"})
    assert load({"CDP_VAR_DIR": "/nonexistent"} | public) == defaults


def _field(name: str) -> Field[Any]:
    return next(f for f in FIELDS if env_name(f.name) == name)


def test_a_copied_example_sets_nothing_but_empty_secrets() -> None:
    lines = [line for line in settings_docs.env_example().splitlines() if line and not line.startswith("#")]
    secrets = {env_name(name) for name in table.secrets_to_make()} | {v.name for v in COMPOSE_VARIABLES if v.secret}
    assert set(lines) == {f"{name}=" for name in secrets}


def test_no_secret_and_no_path_of_this_machine_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_ADMIN_PASSWORD", "hidden")
    monkeypatch.setenv("CDP_MONGO_URL", "mongodb://cdp:hidden@mongo")
    for text in (settings_docs.env_example(), settings_docs.settings_markdown()):
        assert "hidden" not in text
        assert str(REPOSITORY) not in text


def test_compose_s_own_variables_are_there() -> None:
    for variable in COMPOSE_VARIABLES:
        assert variable.name in settings_docs.env_example()
        assert f"`{variable.name}`" in settings_docs.settings_markdown()
