"""The catalogues of translations: `locale/LANGUAGE/LC_MESSAGES/DOMAIN.po`, which people edit, and the compiled `.mo` beside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

from cdp_web.layout.facts import list_texts

FOLDER = Path(__file__).resolve().parents[1]
#: Texts of templates and Python, and texts of scripts.
DOMAINS = ("django", "djangojs")
KEYWORDS: dict[str, Any] = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "noop": None, "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip


#: Texts within `${…}` of scripts count, too.
_OPTIONS = {"parse_template_string": True}
#: Lines of the header that Babel fills with examples.
_EMPTY_HEADERS = tuple(
    f'"{name}'.encode() for name in ("Report-Msgid-Bugs-To", "PO-Revision", "Last-Translator", "Language-Team")
)


def list_languages() -> list[str]:
    """The languages that need a catalogue: all but the one that the texts are written in."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def find_file(language: str, domain: str, suffix: str = ".po") -> Path:
    return FOLDER / "locale" / language / "LC_MESSAGES" / f"{domain}{suffix}"


def read_catalogue(language: str, domain: str) -> Catalog:
    path = find_file(language, domain)
    if not path.is_file():
        return Catalog(language, domain, project="CDP", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, language, domain)


def build_template(domain: str) -> Catalog:
    """Every text of the code and of the catalogue, without translations."""
    template = Catalog(domain=domain)
    for text in list_texts() if domain == "django" else ():
        if text:
            template.add(text, locations=[("layout/facts.py", 0)])
    for path in sorted(_list_sources(domain)):
        method, text = _prepare(path)
        for _, messages, comments, context in extract(method, BytesIO(text.encode()), KEYWORDS, options=_OPTIONS):
            template.add(messages, locations=[(str(path.relative_to(FOLDER)), 0)], auto_comments=comments, context=context)
    return template


def _list_sources(domain: str) -> Iterator[Path]:
    if domain == "djangojs":
        yield from (FOLDER / "static" / "js").rglob("*.js")
        return
    yield from (FOLDER / "templates").rglob("*.html")
    yield from (path for path in FOLDER.rglob("*.py") if "migrations" not in path.parts)


def _prepare(path: Path) -> tuple[str, str]:
    """Babel's method for the file, and the text that it reads. Django turns a template into something like Python."""
    text = path.read_text()
    if path.suffix == ".html":
        # Its indentation would mean something in Python.
        return "python", re.sub(r"(?m)^ +", "", templatize(text, origin=str(path)))
    return ("javascript" if path.suffix == ".js" else "python"), text


def update_catalogue(language: str, domain: str) -> None:
    """Add new texts and remove those that the code no longer has. A text that changed needs a new translation."""
    catalogue = read_catalogue(language, domain)
    catalogue.update(build_template(domain), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    path = find_file(language, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_text(catalogue))


def write_text(catalogue: Catalog) -> bytes:
    text = BytesIO()
    write_po(text, catalogue, sort_output=True, omit_header=False, include_lineno=False, width=120)
    return b"".join(line for line in text.getvalue().splitlines(keepends=True) if not line.startswith(_EMPTY_HEADERS))


def compile_catalogue(language: str, domain: str) -> None:
    with find_file(language, domain, ".mo").open("wb") as file:
        write_mo(file, read_catalogue(language, domain))
