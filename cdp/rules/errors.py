"""Errors of rules: the path in the document, and a clear sentence with the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

_MAX_LENGTH = 60  # characters of a value that a message repeats


class RuleError(ValueError):
    """An invalid rule. `path` is the place in the document, `says` the sentence about it."""

    def __init__(self, path: str, says: str) -> None:
        super().__init__(path, says)
        self.path = path
        self.says = says

    def __str__(self) -> str:
        return f"{self.path}: {self.says}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a rule; a rule may have many."""

    path: str
    says: str


def abbreviate(value: object) -> str:
    """A value as messages show it: short, and safe for values of any size and depth."""
    if isinstance(value, str):
        return repr(value if len(value) <= _MAX_LENGTH else value[:_MAX_LENGTH] + "…")
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int):
        return str(value) if abs(value) < 10**_MAX_LENGTH else "a very large number"
    if isinstance(value, float | Decimal):
        return str(value)[:_MAX_LENGTH]
    names: dict[type, str] = {dict: "an object", list: "a list", tuple: "a list"}
    return names.get(type(value), f"a value of type {type(value).__name__}")
