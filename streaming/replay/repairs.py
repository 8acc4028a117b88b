"""What an operator may change before messages are parsed again: the texts of fields, and the bounds of values.

Options as typed become a `Repair`, and a `Repair` is told as it would be typed. What it does to a text is a column expression.
"""

from __future__ import annotations

import argparse
import difflib
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.days import day_from_text
from cdp.events import FIELD_NAMES
from cdp.events.fields import BOUNDS, Bounds
from cdp.settings import Settings
from streaming.parse import TextRepairs, parse

NULL = "null"
#: Bound -> from and to which number it may be set. Past these, what is behind the stream gives way: a text of more than 500
#: characters may not fit an index of Postgres. What one purchase may be worth stays as it is, or the sums of money would not fit.
LIMITS = {"MAX_TEXT": (1, 500), "MAX_QUANTITY": (1, 1_000_000), "MAX_AHEAD_HOURS": (0, 87_600)}
FIRST_DAY, LAST_DAY = "1900-01-01", "2100-01-01"
BOUND_NAMES = (*LIMITS, "EARLIEST_DAY")


class Unknown(ValueError):
    """What was typed can't be meant. The message says in one line what is allowed."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is done to one field's text."""

    option: str  # map, set-default or set
    field: str
    value: str | None
    old: str = ""  # of a map: the text that is replaced

    def __str__(self) -> str:
        field = f"{self.field}:{self.old}" if self.old else self.field
        return f"{field}={NULL if self.value is None else self.value}"

    def apply(self, text: Column) -> Column:
        value = F.lit(self.value).cast("string")
        if self.option == "map":
            return F.when(text == self.old, value).otherwise(text)
        return F.coalesce(text, value) if self.option == "set-default" else value


@dataclass(frozen=True, slots=True)
class Repair:
    """Changes in the order in which they are made: maps, then defaults, then what is set; and bounds."""

    changes: tuple[Change, ...] = ()
    bounds: Bounds = BOUNDS

    def __str__(self) -> str:
        """As it is typed; "" where nothing is repaired. `repair_told` reads it again."""
        words = [word for change in self.changes for word in (f"--{change.option}", str(change))]
        for name in BOUND_NAMES:
            if _bound(self.bounds, name) != _bound(BOUNDS, name):
                words += ["--bound", f"{name}={_bound(self.bounds, name)}"]
        return shlex.join(words)

    @property
    def texts(self) -> TextRepairs:
        """As the parser takes them."""
        fields = {change.field: [each for each in self.changes if each.field == change.field] for change in self.changes}
        return {field: partial(_all_of, changes) for field, changes in fields.items()}

    def parse(self, settings: Settings, messages: DataFrame) -> DataFrame:
        """What the parser makes of the messages with this repair; the currency is the shop's, as it is for the stream."""
        return parse(messages, replace(self.bounds, currency=settings.currency), self.texts)


def _all_of(changes: Sequence[Change], text: Column) -> Column:
    for change in changes:
        text = change.apply(text)
    return text


def add_repairs(parser: argparse.ArgumentParser) -> None:
    """The options of a repair. A field may be named once an option, a text once in the maps of its field."""
    asked: Callable[..., argparse.Action] = partial(parser.add_argument, nargs="+", action="extend", default=[])
    asked("--map", metavar="FIELD:OLD=NEW", help="a text that is OLD becomes NEW")
    asked("--set-default", metavar="FIELD=VALUE", help="a field that is missing, empty or null gets this value")
    asked("--set", metavar="FIELD=VALUE", help="the field gets this value whatever it holds; null: no value")
    asked("--bound", metavar="NAME=VALUE", help=f"another bound than the stream's: {', '.join(BOUND_NAMES)}")


def repair_asked(given: argparse.Namespace) -> Repair:
    """The repair that was typed; Unknown says what is wrong with it."""
    changes = [
        *(_change("map", text) for text in given.map),
        *(_change("set-default", text) for text in given.set_default),
        *(_change("set", text) for text in given.set),
    ]
    places = [(change.option, change.field, change.old) for change in changes]
    for place, change in zip(places, changes, strict=True):
        if places.count(place) > 1:
            raise Unknown(f"--{change.option} names {change.field} {change.old}".rstrip() + " more than once.")
    return Repair(tuple(changes), _bounds(given.bound))


def repair_told(told: str) -> Repair:
    """The repair that a claim tells of."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_repairs(parser)
    return repair_asked(parser.parse_args(shlex.split(told)))


def one_of(word: str, known: Iterable[str], what: str) -> str:
    """The word itself where it is known."""
    words = list(known)
    if word in words:
        return word
    near = difflib.get_close_matches(word, words, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    raise Unknown(f"{word!r} is not a {what}.{meant} There are: {', '.join(words)}.")


def _change(option: str, text: str) -> Change:
    form = "FIELD:OLD=NEW" if option == "map" else "FIELD=VALUE"
    place, equals, value = text.partition("=")
    name, colon, old = place.partition(":")
    if not (equals and value.strip() and (old.strip() if option == "map" else not colon)):
        raise Unknown(f"--{option} {text!r} is not {form}; for no value write {NULL}.")
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise Unknown(f"--{option} {text!r} holds a control character.")
    field, value, old = one_of(name, FIELD_NAMES, "field"), value.strip(), old.strip()
    change = Change(option, field, None if value == NULL else value, old)
    if option == "set-default" and change.value is None:
        raise Unknown(f"--set-default {text} would change nothing; --set {text} takes the value away.")
    if field == "event_id" and option != "map" and change.value is not None:
        raise Unknown("--set and --set-default can't give all messages one event_id: the night would keep only one of them.")
    return change


def _bounds(texts: Sequence[str]) -> Bounds:
    values: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        one_of(name, BOUND_NAMES, "bound")
        values[name.lower()] = _day_bound(value) if name == "EARLIEST_DAY" else _number_bound(name, value)
    return Bounds(**values)


def _number_bound(name: str, value: str) -> int:
    least, most = LIMITS[name]
    if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise Unknown(f"--bound {name}={value}: it is a whole number from {least} to {most}.")
    return int(value)


def _day_bound(value: str) -> str:
    try:
        day_from_text(value)
    except ValueError as error:
        raise Unknown(f"--bound EARLIEST_DAY={value}: {error}") from None
    if not FIRST_DAY <= value <= LAST_DAY:
        raise Unknown(f"--bound EARLIEST_DAY={value}: it is a day from {FIRST_DAY} to {LAST_DAY}.")
    return value


def _bound(bounds: Bounds, name: str) -> object:
    return getattr(bounds, name.lower())
