"""The parts of a mapping: how a file is read, which column becomes which field, which rows are left out. Plain values."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import orjson

WHITESPACE = "whitespace"


@dataclass(frozen=True, slots=True)
class Shape:
    """How the file's text is read. None means that the file's ending decides."""

    format: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    encoding: str = "utf-8"
    header: bool = True
    columns: tuple[str, ...] = ()
    skip_lines: int = 0
    decimal: str = "."
    thousands: str = ""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The source of a field's value and the changes to it, applied in the order of these attributes."""

    columns: tuple[str, ...] = ()
    join: str = "-"
    strip_prefix: str = ""
    strip_suffix: str = ""
    whole: bool = False  # 17850.0 is 17850
    lower: bool = False
    values: tuple[tuple[str, str], ...] = ()
    default: str | None = None
    levels: str = ""  # the separator between the levels of a category
    formats: tuple[str, ...] = ()
    zone: str | None = None
    times: str | None = None  # the column to multiply by
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """True if all tests hold on the trimmed text of a column. A test is a name of `_TESTS` in fields.py and a value."""

    column: str
    tests: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Skip:
    rule: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Change:
    """If the condition holds, fields get constants, and numbers lose their minus."""

    when: Condition
    constants: tuple[tuple[str, str], ...] = ()
    absolute: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a file becomes events. The identity mapping reads columns that are named like fields, and no others."""

    name: str
    shape: Shape = Shape()
    fields: tuple[tuple[str, FieldRule], ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    keep: tuple[str, ...] = ()
    skips: tuple[Skip, ...] = ()
    changes: tuple[Change, ...] = ()
    identity: bool = False
    keeps_repeated: bool = False  # equal rows are separate events

    @property
    def fingerprint(self) -> str:
        """A hash of the mapping's meaning, without its name, comments and the order of its keys."""
        values = _without_defaults(asdict(self))
        values.pop("name", None)
        values["fields"], values["constants"] = sorted(values.get("fields", [])), sorted(values.get("constants", []))
        return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


IDENTITY = Mapping("identity", identity=True)


def _without_defaults(value: Any) -> Any:
    """Only the values that were set, so that a key added to the code later does not change old fingerprints."""
    if isinstance(value, dict):
        return {
            key: _without_defaults(each) for key, each in value.items() if each not in (None, "", False, ()) or key == "quote"
        }
    if isinstance(value, tuple | list):
        return [_without_defaults(each) for each in value]
    return value
