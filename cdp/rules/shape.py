"""Reading JSON objects and lists strictly: missing and unknown keys are refused by name."""

from __future__ import annotations

from cdp.rules.errors import RuleError, did_you_mean, shown


def entries(raw: object, path: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, object]:
    """The object at this place, with every required key and no unknown one."""
    if not isinstance(raw, dict):
        raise RuleError(path, f"must be an object, not {shown(raw)}.")
    known = (*required, *optional)
    for key in raw:
        if key not in known:
            raise RuleError(path, f"{shown(key)} is not known here; {did_you_mean(str(key), known)}")
    for key in required:
        if key not in raw:
            raise RuleError(path, f"{key!r} is missing.")
    return raw


def items(raw: object, path: str) -> list[object]:
    """The list at this place."""
    if not isinstance(raw, list):
        raise RuleError(path, f"must be a list, not {shown(raw)}.")
    return raw
