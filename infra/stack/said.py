"""What a program said when it failed: the one line that tells why."""

from __future__ import annotations

#: What a line has that explains a death, the stronger sign first.
TELLING = (("No space", "denied", "refused", "already in use", "FATAL"), ("rror", "xception"))


def why(text: str) -> str:
    """The last line with the strongest sign, or the last line at all."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for signs in TELLING:
        telling = [line for line in lines if any(sign in line for sign in signs)]
        if telling:
            return telling[-1][:240]
    return lines[-1][:240] if lines else "it said nothing"
