"""The errors of a diff besides those of the file itself; each message is one line that says what to do."""

from __future__ import annotations


class DiffRefused(Exception):
    """The file is readable, but its differences must not be sent as things are."""


class DiffRunning(DiffRefused):
    """Another run compares the same table."""
