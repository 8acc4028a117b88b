"""The cursor: a position in a data set, as an opaque text for clients."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"v1\.([0-9a-f]{16})\.(\d{1,15})")


class CursorUnreadable(ValueError):
    """The text is not a cursor."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The next row, and the content that the row number belongs to."""

    content_id: str
    row: int

    def __str__(self) -> str:
        return f"v1.{self.content_id}.{self.row}"


def cursor_from_text(text: str) -> Cursor:
    match = _FORM.fullmatch(text)
    if match is None:
        raise CursorUnreadable(text)
    return Cursor(match[1], int(match[2]))
