"""What docs/ call a setting, a verb of ./run, a service or a file of the repository is one."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import pytest

from cdp.mart.daily import TABLES
from cdp.settings import REPOSITORY, Settings, env_name
from infra.stack.env_file import COMPOSE_VARIABLES
from infra.stack.services import NAMES
from infra.stack.verbs import VERBS
from tests.infra import compose_file

PAGES = sorted((REPOSITORY / "docs").rglob("*.md")) + sorted(REPOSITORY.glob("*.md"))
SETTINGS = {env_name(f.name) for f in fields(Settings)}
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@each_page
def test_settings_exist(page: Path) -> None:
    named = set(re.findall(r"\bCDP_[A-Z][A-Z0-9_]*[A-Z0-9]\b", page.read_text()))
    assert {name for name in named if name.removesuffix("_FILE") not in SETTINGS} == set()


def code(page: Path) -> list[str]:
    """What is set as code: between backticks, and the lines of blocks."""
    text = page.read_text()
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return inline + [line for block in blocks for line in block.splitlines()]


@each_page
def test_verbs_exist(page: Path) -> None:
    named = {word for line in code(page) for word in re.findall(r"\./run ([a-z][a-z-]*)", line)}
    assert named - {verb.name for verb in VERBS} - {"help"} == set()


@each_page
def test_services_of_run_and_of_compose_exist(page: Path) -> None:
    native = {name for line in code(page) for name in re.findall(r"\./run (?:up|logs) ([a-z][a-z0-9-]*)", line)}
    assert native - {*NAMES, "supervisord"} == set()
    verbs = r"docker compose (?:exec|logs|restart|stop|run)(?: -\S+)* ([a-z][a-z0-9-]*)"
    composed = {name for line in code(page) for name in re.findall(verbs, line)}
    assert composed - set(compose_file.read_document()["services"]) == set()


@each_page
def test_files_that_are_linked_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@each_page
def test_places_that_links_point_at_exist(page: Path) -> None:
    pointed = re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", page.read_text())
    assert [f"{file}#{place}" for file, place in pointed if place not in places(page.parent / file if file else page)] == []


def places(page: Path) -> set[str]:
    """The headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_files_and_folders_that_are_named_exist(page: Path) -> None:
    folders = "|".join(path.name for path in REPOSITORY.iterdir() if path.is_dir() and not path.name.startswith((".", "var")))
    named = {path for line in code(page) for path in re.findall(rf"(?<![\w/.-])((?:{folders})/[\w./-]*\w/?)(?![\w/{{*<])", line)}
    assert sorted(path for path in named if not (REPOSITORY / path).exists()) == []


@each_page
def test_modules_that_are_run_exist(page: Path) -> None:
    ours = r"python -m ((?:batch|benchmarks|infra|source_server|streaming)[\w.]*)"
    named = {module for line in code(page) for module in re.findall(ours, line)}
    assert [module for module in named if find_spec(module) is None] == []


@each_page
def test_tables_in_postgres_exist(page: Path) -> None:
    named = {name for line in code(page) for name in re.findall(r"\bmart\.([a-z_]+)\b", line)}
    assert named - {table.name for table in TABLES} == set()


def test_operations_names_every_service() -> None:
    text = (REPOSITORY / "docs" / "operations.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in text] == []
    assert [variable.name for variable in COMPOSE_VARIABLES if variable.name not in text] == []


def test_operations_quotes_messages_that_the_code_says() -> None:
    page = (REPOSITORY / "docs" / "operations.md").read_text()
    table = page[page.index("| message | meaning | remedy |") :].split("\n\n")[0]
    quoted = [line.split("`")[1] for line in table.splitlines()[2:]]
    code = "".join(path.read_text() for folder in ("cdp", "infra", "cdp_web") for path in (REPOSITORY / folder).rglob("*.py"))
    assert len(quoted) > 15
    assert [message for message in quoted if message not in code] == []
