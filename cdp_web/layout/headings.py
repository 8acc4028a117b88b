"""Headings of tables that sort by a click."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Heading:
    """A column heading; without a link, nothing sorts by the column."""

    title: Promise | str
    about: Promise | str = ""
    css: str = ""
    link: str = ""
    sorted: str = ""  # "ascending", "descending" or empty


@dataclass(frozen=True, slots=True)
class Sorting:
    """The order of a table now, and the address of the same table in another order."""

    key: str
    descending: bool
    build_link: Callable[[str, bool], str]

    def build_heading(
        self, key: str, title: Promise | str, about: Promise | str = "", css: str = "", *, starts_high: bool
    ) -> Heading:
        """The first click sorts from the highest value or from the lowest; a second click reverses the order."""
        is_sorted = self.key == key
        link = self.build_link(key, not self.descending if is_sorted else starts_high)
        state = ("descending" if self.descending else "ascending") if is_sorted else ""
        return Heading(title, about, css, link, state)
