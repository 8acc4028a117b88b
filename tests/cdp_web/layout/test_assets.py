"""Static files: everything comes from the site, nothing is inline, icons and licences are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from cdp.events import TYPES
from cdp_web.settings import PLOTLY_FOLDER

ROOT = Path(__file__).resolve().parents[3] / "cdp_web"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
VENDOR = ROOT / "static" / "vendor"


def test_the_sprite_has_exactly_the_icons_in_use() -> None:
    in_templates = {name for path in TEMPLATES for name in re.findall(r'\{% icon "([\w-]+)"', path.read_text())}
    in_scripts = {name for path in SCRIPTS for name in re.findall(r'\bicon\("([\w-]+)"\)', path.read_text())}
    in_sprite = set(re.findall(r'symbol id="([\w-]+)"', (VENDOR / "lucide" / "sprite.svg").read_text()))
    of_events = {each.icon for each in TYPES}
    assert in_templates | in_scripts | of_events == in_sprite


def test_plotly_finds_the_ids_that_keep_it_from_adding_styles() -> None:
    ids = re.findall(r' id="([^"]+)"', (ROOT / "templates" / "charts" / "scripts.html").read_text())
    script = (PLOTLY_FOLDER / "plotly.min.js").read_text()
    assert "plotly.js-style-global" in ids
    assert [f'getElementById("{each}")' in script for each in ids if each != "plotly.js-style-global"] == [True]


@pytest.mark.parametrize("path", [*TEMPLATES, *STYLES, *SCRIPTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_external_or_inline(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in text
    assert "https://" not in text
    if path.suffix == ".html":
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), "a script stands in the page"
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text), "a style or a handler stands in the page"
    if path.suffix == ".js":
        assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", text)


@pytest.mark.parametrize(
    "path", [path for path in STYLES if path.name not in ("tokens.css", "api.css")], ids=lambda path: path.name
)
def test_colours_are_tokens(path: Path) -> None:
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", path.read_text())


def test_every_vendored_folder_has_its_licence_and_its_row() -> None:
    readme = (VENDOR / "README.md").read_text()
    folders = [path for path in VENDOR.iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        assert (folder / "LICENSE").is_file()
        assert f"| `{folder.name}/` |" in readme


def test_static_files_are_collected_and_modules_name_the_hashed_ones(settings: Settings, tmp_path: Path) -> None:
    settings.STORAGES = {"staticfiles": {"BACKEND": "cdp_web.layout.staticfiles.StaticFilesStorage"}}
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    modules = [path for path in (tmp_path / "js" / "builder").rglob("*.js") if len(path.suffixes) == 2]
    imports = [(path, name) for path in modules for name in re.findall(r'from "(\.[^"]+)"', path.read_text())]
    assert {path.parent.name for path, _ in imports} == {"builder", "conditions"}
    for path, name in imports:
        assert re.fullmatch(r"\w+\.[0-9a-f]{12}\.js", Path(name).name)
        assert (path.parent / name).is_file()
