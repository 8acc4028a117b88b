"""Reading JSON objects and lists strictly: missing keys, unknown keys and documents larger than any rule are refused."""

from __future__ import annotations

from cdp.errors import did_you_mean
from cdp.rules.errors import RuleError, abbreviate
from cdp.rules.tree import MAX_DEPTH

#: A rule within the limits of check.py has fewer objects, and fewer entries of objects and lists.
MAX_OBJECTS = 5_000
MAX_ENTRIES = 25_000
#: A node takes two levels of the document, the object and the list in it; the largest leaf takes six.
_MAX_LEVELS = 2 * MAX_DEPTH + 6


def refuse_too_big(document: object) -> None:
    """Called before reading. Quick on a document of any size; what lies deeper than a rule can be is refused by its reader."""
    level, objects, entries = [document], 0, 0
    for _ in range(_MAX_LEVELS):
        deeper: list[object] = []
        for value in level:
            children = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
            objects += isinstance(value, dict)
            entries += len(children)
            if objects > MAX_OBJECTS or entries > MAX_ENTRIES:
                raise RuleError("document", "is larger than any rule; split it into several segments, or upload a list instead.")
            deeper.extend(child for child in children if isinstance(child, dict | list))
        level = deeper


def require_object(raw: object, path: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, object]:
    """Return the object; raise RuleError unless it has every required key and no unknown one."""
    if not isinstance(raw, dict):
        raise RuleError(path, f"must be an object, not {abbreviate(raw)}.")
    keys = (*required, *optional)
    for key in raw:
        if key not in keys:
            raise RuleError(path, f"{abbreviate(key)} is not known here; {did_you_mean(str(key), keys)}")
    for key in required:
        if key not in raw:
            raise RuleError(path, f"{key!r} is missing.")
    return raw


def require_list(raw: object, path: str) -> list[object]:
    """Return the list; raise RuleError for anything else."""
    if not isinstance(raw, list):
        raise RuleError(path, f"must be a list, not {abbreviate(raw)}.")
    return raw
