"""What an operator may change before messages are parsed again: the texts of fields, and the bounds of values.

Command-line options are parsed into a `Repair`, and a `Repair` can be written as options again.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pyspark.sql import DataFrame

from cdp.days import day_from_text
from cdp.errors import did_you_mean
from cdp.events import FIELD_NAMES
from cdp.events.fields import BOUNDS, Bounds
from cdp.events.repairs import BOUND_LIMITS, BOUND_NAMES, DAY_BOUND, FIRST_DAY, LAST_DAY, NULL, TextChange
from cdp.settings import Settings
from streaming.events.parse import parse


class InvalidOption(ValueError):
    """An option is invalid. The message says in one line what is allowed."""


@dataclass(frozen=True, slots=True)
class Repair:
    """Changes in the order in which they are applied (maps, then defaults, then fixed values), and bounds."""

    changes: tuple[TextChange, ...] = ()
    bounds: Bounds = BOUNDS

    def __str__(self) -> str:
        """As command-line options; "" if nothing is repaired. `parse_repair_text` is the inverse."""
        words = [word for change in self.changes for word in (f"--{change.option}", str(change))]
        for name in BOUND_NAMES:
            if _get_bound(self.bounds, name) != _get_bound(BOUNDS, name):
                words += ["--bound", f"{name}={_get_bound(self.bounds, name)}"]
        return shlex.join(words)

    def parse(self, settings: Settings, messages: DataFrame) -> DataFrame:
        """Parse the messages with this repair. The currency is the shop's, as in the stream."""
        return parse(messages, replace(self.bounds, currency=settings.currency), self.changes)


def add_repairs(parser: argparse.ArgumentParser) -> None:
    """Add the options of a repair. An option may name a field once, and a map each of its texts once."""
    add: Callable[..., argparse.Action] = partial(parser.add_argument, nargs="+", action="extend", default=[])
    add("--map", metavar="FIELD:OLD=NEW", help="replace the text OLD by NEW")
    add("--set-default", metavar="FIELD=VALUE", help="fill a field that is missing, empty or null with this value")
    add("--set", metavar="FIELD=VALUE", help="replace any value of the field by this one; null removes it")
    add("--bound", metavar="NAME=VALUE", help=f"use another bound than the stream: {', '.join(BOUND_NAMES)}")


def parse_repair(options: argparse.Namespace) -> Repair:
    """The repair of the command line; InvalidOption says what is wrong with it."""
    changes = [
        *(_parse_change("map", text) for text in options.map),
        *(_parse_change("set-default", text) for text in options.set_default),
        *(_parse_change("set", text) for text in options.set),
    ]
    targets = [(change.option, change.field, change.old) for change in changes]
    for target, change in zip(targets, changes, strict=True):
        if targets.count(target) > 1:
            raise InvalidOption(f"--{change.option} names {change.field} {change.old}".rstrip() + " more than once.")
    return Repair(tuple(changes), _parse_bounds(options.bound))


def parse_repair_text(text: str) -> Repair:
    """The repair that is stored with a claim."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_repairs(parser)
    return parse_repair(parser.parse_args(shlex.split(text)))


def require_known(word: str, known: Iterable[str], what: str) -> str:
    """Return the word if it is known; otherwise raise InvalidOption with a suggestion."""
    words = list(known)
    if word in words:
        return word
    raise InvalidOption(f"{word!r} is not a {what}; {did_you_mean(word, words)}")


def _parse_change(option: str, text: str) -> TextChange:
    form = "FIELD:OLD=NEW" if option == "map" else "FIELD=VALUE"
    target, equals, value = text.partition("=")
    name, colon, old = target.partition(":")
    if not (equals and value.strip() and (old.strip() if option == "map" else not colon)):
        raise InvalidOption(f"--{option} {text!r} is not {form}; for no value write {NULL}.")
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise InvalidOption(f"--{option} {text!r} contains a control character.")
    field, value, old = require_known(name, FIELD_NAMES, "field"), value.strip(), old.strip()
    change = TextChange(option, field, None if value == NULL else value, old)
    if option == "set-default" and change.value is None:
        raise InvalidOption(f"--set-default {text} would change nothing; --set {text} removes the value.")
    if field == "event_id" and option != "map" and change.value is not None:
        raise InvalidOption(
            "--set and --set-default can't give all messages one event_id: the night would keep only one of them."
        )
    return change


def _parse_bounds(texts: Sequence[str]) -> Bounds:
    values: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        require_known(name, BOUND_NAMES, "bound")
        values[name.lower()] = _parse_day_bound(value) if name == DAY_BOUND else _parse_number_bound(name, value)
    return Bounds(**values)


def _parse_number_bound(name: str, value: str) -> int:
    least, most = BOUND_LIMITS[name]
    if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise InvalidOption(f"--bound {name}={value}: it must be a whole number from {least} to {most}.")
    return int(value)


def _parse_day_bound(value: str) -> str:
    try:
        day_from_text(value)
    except ValueError as error:
        raise InvalidOption(f"--bound EARLIEST_DAY={value}: {error}") from None
    if not FIRST_DAY <= value <= LAST_DAY:
        raise InvalidOption(f"--bound EARLIEST_DAY={value}: it must be a day from {FIRST_DAY} to {LAST_DAY}.")
    return value


def _get_bound(bounds: Bounds, name: str) -> object:
    return getattr(bounds, name.lower())
