"""What a mapping says: how a file is read, which column becomes which field, what is left out. Plain values, no behaviour."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import orjson

WHITESPACE = "whitespace"


@dataclass(frozen=True, slots=True)
class Shape:
    """How the file's text is read; what is None follows from the file's ending."""

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
    """Where a field's value comes from, and what is done with it on the way, in the order of these attributes."""

    columns: tuple[str, ...] = ()
    join: str = "-"
    strip_prefix: str = ""
    strip_suffix: str = ""
    whole: bool = False  # 17850.0 is 17850
    lower: bool = False
    values: tuple[tuple[str, str], ...] = ()
    default: str | None = None
    levels: str = ""  # what stands between the levels of a category
    formats: tuple[str, ...] = ()
    zone: str | None = None
    times: str | None = None  # the column that the column is multiplied with
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """All tests hold: (name, value) with names of `TESTS`, on the trimmed text of a column."""

    column: str
    tests: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Skip:
    rule: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Change:
    """Where the condition holds, fields get constants, and numbers lose their minus."""

    when: Condition
    constants: tuple[tuple[str, str], ...] = ()
    absolute: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapping:
    """The identity takes columns that have the names of fields, and no others."""

    name: str
    shape: Shape = Shape()
    fields: tuple[tuple[str, FieldRule], ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    keep: tuple[str, ...] = ()
    skips: tuple[Skip, ...] = ()
    changes: tuple[Change, ...] = ()
    identity: bool = False
    keeps_repeated: bool = False  # equal rows are events of their own

    @property
    def fingerprint(self) -> str:
        """A hash of what the mapping means: its name, comments and the order of its keys do not count."""
        said = _without_defaults(asdict(self))
        said.pop("name", None)
        said["fields"], said["constants"] = sorted(said.get("fields", [])), sorted(said.get("constants", []))
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


IDENTITY = Mapping("identity", identity=True)


def _without_defaults(said: Any) -> Any:
    """Only what was said, so that a key added to the code later leaves old fingerprints as they are."""
    if isinstance(said, dict):
        return {
            key: _without_defaults(value) for key, value in said.items() if value not in (None, "", False, ()) or key == "quote"
        }
    if isinstance(said, tuple | list):
        return [_without_defaults(value) for value in said]
    return said
