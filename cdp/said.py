"""What a foreign error says, in few words."""

from __future__ import annotations


def first_line(error: Exception) -> str:
    """What it says first; the rest is mostly its own help. Where a connection breaks it is empty, and its kind is said."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
