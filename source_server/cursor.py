"""A place in a data set, as the text that clients hand back. They store it and never look inside."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"v1\.([0-9a-f]{16})\.(\d{1,15})")


class CursorUnreadable(ValueError):
    """The text is no cursor of ours."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The row that comes next, and the content that it was counted in."""

    content_id: str
    row: int

    def __str__(self) -> str:
        return f"v1.{self.content_id}.{self.row}"


def cursor_from_text(text: str) -> Cursor:
    found = _FORM.fullmatch(text)
    if found is None:
        raise CursorUnreadable(text)
    return Cursor(found[1], int(found[2]))
