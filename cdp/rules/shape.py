"""Reading JSON objects and lists strictly: missing and unknown keys are refused by name."""

from __future__ import annotations

from cdp.errors import did_you_mean
from cdp.rules.errors import RuleError, abbreviate


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
