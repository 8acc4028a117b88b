"""The errors for a file or a mapping that cannot be loaded; each message is one sentence for the operator."""

from __future__ import annotations


class FileRefused(ValueError):
    """The file cannot be loaded; the message names it, the place, and what would help."""


class MappingError(FileRefused):
    """A mapping file is wrong; the message names it, the table and key, and what is allowed."""
