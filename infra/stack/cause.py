"""Finds the line in a program's output that explains why it failed."""

from __future__ import annotations

#: Parts of a line that explains a failure; those of the first group are the stronger signs.
SIGNS = (("No space", "denied", "refused", "already in use", "FATAL"), ("rror", "xception"))


def find_cause(output: str) -> str:
    """The last line with the strongest sign; without any sign, the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for signs in SIGNS:
        matches = [line for line in lines if any(sign in line for sign in signs)]
        if matches:
            return matches[-1][:240]
    return lines[-1][:240] if lines else "it printed nothing"
