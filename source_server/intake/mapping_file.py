"""Reads mappings from TOML; every key is known or refused, with the place and what is allowed."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import duckdb

from cdp.events import FIELD_NAMES
from cdp.said import first_line
from source_server.intake.fields import NUMBER_FIELDS
from source_server.intake.kinds import FORMATS
from source_server.intake.mapping import IDENTITY, WHITESPACE, Change, Condition, FieldRule, Mapping, Shape, Skip
from source_server.intake.refusal import MappingError, did_you_mean
from source_server.intake.sql import engine

SHIPPED = Path(__file__).parent / "mappings"
_TABLES = ("about", "repeated", "file", "fields", "constants", "keep", "skip", "change")
_FILE = ("format", "delimiter", "quote", "encoding", "header", "columns", "skip_lines", "decimal", "thousands")
_TESTS = ("equals", "starts_with", "matches", "is_empty", "less_than")
_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_ANY = ("column", "columns", "join", "strip_prefix", "strip_suffix", "whole", "lower", "values", "default")
_OF_FIELD = {
    "event_time": (*_ANY, "format", "zone"),
    "category_code": (*_ANY, "levels"),
    "price": (*_ANY, "times", "absolute"),
    "quantity": (*_ANY, "absolute"),
    "amount": (*_ANY, "times", "absolute"),
}


def mapping_for(path: Path, asked: str | None) -> Mapping:
    """The mapping of that name or at that path; without one, the contract's own names."""
    if asked is None:
        return IDENTITY
    shipped = {file.stem: file for file in sorted(SHIPPED.glob("*.toml"))}
    file = shipped.get(asked, Path(asked))
    if not file.is_file():
        hint = did_you_mean(asked, shipped)
        raise MappingError(f"There is no mapping {asked}: neither a file nor a shipped one; {hint}")
    return read_mapping(file.read_bytes(), file.name)


def read_mapping(text: bytes, name: str) -> Mapping:
    try:
        found = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(f"{name} is no TOML: {error}.") from error
    with engine() as asked:
        return _Reader(name, asked).mapping(found)


class _Reader:
    """Knows the file's name, for the messages, and the engine that will read the shop's file."""

    def __init__(self, name: str, engine: duckdb.DuckDBPyConnection) -> None:
        self.name = name
        self.engine = engine

    def wrong(self, place: str, says: str) -> MappingError:
        return MappingError(f"{self.name}: {place} {says}")

    def mapping(self, found: dict[str, Any]) -> Mapping:
        self.known(found, _TABLES, "")
        mapping = Mapping(
            name=self.name,
            shape=self.shape(self.table(found, "file")),
            fields=self.fields(self.table(found, "fields")),
            constants=self.constants(self.table(found, "constants"), "constants"),
            keep=self.texts(found.get("keep", []), "keep"),
            skips=tuple(self.skip(each, place) for each, place in self.tables(found, "skip")),
            changes=tuple(self.change(each, place) for each, place in self.tables(found, "change")),
            keeps_repeated=self.repeated(found) == "keep",
        )
        twice = {field for field, _ in mapping.fields} & {field for field, _ in mapping.constants}
        if twice:
            raise self.wrong(f"fields.{min(twice)}", "stands under constants too; keep one of them.")
        return mapping

    def repeated(self, found: dict[str, Any]) -> Any:
        said = found.get("repeated", "once")
        if said not in ("keep", "once"):
            raise self.wrong("repeated", f'must be "keep" or "once", not {said!r}.')
        return said

    def known(self, table: dict[str, Any], allowed: tuple[str, ...], place: str) -> None:
        for key in table:
            if key not in allowed:
                raise self.wrong(f"{place}{key}", f"is not known; {did_you_mean(key, allowed)}")

    def table(self, found: dict[str, Any], key: str) -> dict[str, Any]:
        table = found.get(key, {})
        if not isinstance(table, dict):
            raise self.wrong(key, f"must be a table: [{key}].")
        return table

    def tables(self, found: dict[str, Any], key: str) -> list[tuple[dict[str, Any], str]]:
        listed = found.get(key, [])
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise self.wrong(key, f"must be written as [[{key}]].")
        return [(each, f"{key}[{place}]") for place, each in enumerate(listed, start=1)]

    def of_kind(self, table: dict[str, Any], key: str, kind: type, default: Any, place: str) -> Any:
        value = table.get(key, default)
        if value is not default and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            kinds = {str: "a text in quotes", bool: "true or false", int: "a whole number", dict: 'like { "order" = "purchase" }'}
            raise self.wrong(f"{place}.{key}", f"must be {kinds[kind]}, not {value!r}.")
        return value

    def texts(self, value: Any, place: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.wrong(place, 'must be a list of texts: ["one", "two"].')
        return tuple(value)

    def shape(self, table: dict[str, Any]) -> Shape:
        self.known(table, _FILE, "file.")
        text = {key: self.of_kind(table, key, str, None, "file") for key in ("format", "delimiter", "quote", "encoding")}
        if text["format"] not in (None, *FORMATS):
            raise self.wrong("file.format", f"is {text['format']}; {did_you_mean(text['format'], FORMATS)}")
        text["delimiter"] = _DELIMITERS.get(text["delimiter"], text["delimiter"])
        self.one_char(text["delimiter"], "file.delimiter", f"one character or {WHITESPACE}", (WHITESPACE,))
        self.one_char(text["quote"], "file.quote", 'one character, or "" for none', ("",))
        self.encoding(text["encoding"])
        shape = Shape(
            **{key: value for key, value in text.items() if value is not None},
            header=self.of_kind(table, "header", bool, True, "file"),
            columns=self.texts(table.get("columns", []), "file.columns"),
            skip_lines=self.of_kind(table, "skip_lines", int, 0, "file"),
            decimal=self.of_kind(table, "decimal", str, ".", "file"),
            thousands=self.of_kind(table, "thousands", str, "", "file"),
        )
        return self.checked(shape)

    def checked(self, shape: Shape) -> Shape:
        if not shape.header and not shape.columns:
            raise self.wrong("file.columns", "must name the columns of a file without header, in their order.")
        if len(set(shape.columns)) < len(shape.columns):
            raise self.wrong("file.columns", "names a column twice.")
        self.one_char(shape.decimal, "file.decimal", "one character", ())
        self.one_char(shape.thousands, "file.thousands", "one character", ("",))
        if shape.decimal == shape.thousands:
            raise self.wrong("file.thousands", "is the same as file.decimal.")
        if shape.skip_lines < 0:
            raise self.wrong("file.skip_lines", "must be 0 or more.")
        return shape

    def one_char(self, value: str | None, place: str, says: str, also: tuple[str, ...]) -> None:
        if (
            value is not None
            and value not in also
            and (len(value) != 1 or (not value.isascii() and also != ("",)) or value in "\r\n")
        ):
            raise self.wrong(place, f"must be {says}, not {value!r}.")

    def encoding(self, value: str | None) -> None:
        try:
            codecs.lookup(value or "utf-8")
        except LookupError:
            raise self.wrong("file.encoding", f"{value} is not known; utf-8, latin-1, cp1252 and utf-16 are.") from None

    def constants(self, table: dict[str, Any], place: str) -> tuple[tuple[str, str], ...]:
        self.known(table, FIELD_NAMES, f"{place}.")
        return tuple((field, self.of_kind(table, field, str, None, place)) for field in table)

    def fields(self, table: dict[str, Any]) -> tuple[tuple[str, FieldRule], ...]:
        self.known(table, FIELD_NAMES, "fields.")
        return tuple((field, self.field(field, said)) for field, said in table.items())

    def field(self, field: str, said: Any) -> FieldRule:
        place = f"fields.{field}"
        if isinstance(said, str | list):
            said = {"column": said} if isinstance(said, str) else {"columns": said}
        if not isinstance(said, dict):
            raise self.wrong(place, f"must be a column's name, a list of them, or a table, not {said!r}.")
        self.known(said, _OF_FIELD.get(field, _ANY), f"{place}.")
        columns = self.texts(said.get("columns", []), f"{place}.columns")
        column = self.of_kind(said, "column", str, None, place)
        if (column is None) == (not columns):
            raise self.wrong(place, "must say column or columns, one of both.")

        def get(key: str, kind: type, default: Any) -> Any:
            return self.of_kind(said, key, kind, default, place)

        return FieldRule(
            columns=(column,) if column is not None else columns,
            **{key: get(key, str, "") for key in ("strip_prefix", "strip_suffix", "levels")},
            **{key: get(key, bool, False) for key in ("whole", "lower", "absolute")},
            join=get("join", str, "-"),
            values=self.values(get("values", dict, {}), f"{place}.values"),
            default=get("default", str, None),
            formats=self.formats(said, place),
            zone=self.zone(said, place),
            times=get("times", str, None),
        )

    def values(self, table: dict[str, Any], place: str) -> tuple[tuple[str, str], ...]:
        return tuple((found, self.of_kind(table, found, str, None, place)) for found in table)

    def formats(self, said: dict[str, Any], place: str) -> tuple[str, ...]:
        value = said.get("format", ["iso"] if "zone" in said else [])
        formats = self.texts([value] if isinstance(value, str) else value, f"{place}.format")
        for each in formats:
            if each not in ("iso", "epoch", "epoch_ms") and "%" not in each:
                raise self.wrong(
                    f"{place}.format", f"is {each!r}; it can be iso, epoch, epoch_ms or a pattern like %d.%m.%Y %H:%M."
                )
            self.understood("try_strptime('', ?)", each, f"{place}.format", "is no pattern of a time")
        return formats

    def zone(self, said: dict[str, Any], place: str) -> str | None:
        zone = self.of_kind(said, "zone", str, None, place)
        if zone is not None and zone not in available_timezones():
            raise self.wrong(f"{place}.zone", f"{zone} is not known; {did_you_mean(zone, _near(zone))}")
        return zone

    def condition(self, table: dict[str, Any], place: str) -> Condition:
        tests = [(test, self.test(test, table[test], place)) for test in _TESTS if test in table]
        if not isinstance(table.get("column"), str) or not tests:
            raise self.wrong(place, f"must say column and one of {', '.join(_TESTS)}.")
        return Condition(table["column"], tuple(tests))

    def test(self, test: str, value: Any, place: str) -> Any:
        if test == "equals":
            value = value if isinstance(value, list) else [value]
        kinds: dict[str, tuple[type, ...]] = {"equals": (list,), "is_empty": (bool,), "less_than": (int,)}
        if not isinstance(value, kinds.get(test, (str,))) or (test == "less_than" and isinstance(value, bool)):
            raise self.wrong(f"{place}.{test}", f"can't be {value!r}.")
        if test == "matches":
            self.understood("regexp_matches('', ?)", str(value), f"{place}.matches", "is no regular expression")
        return tuple(map(str, value)) if isinstance(value, list) else value

    def understood(self, sql: str, value: str, place: str, otherwise: str) -> None:
        """Asked of the engine itself: its patterns are not quite Python's."""
        try:
            self.engine.execute(f"SELECT {sql}", [value])
        except duckdb.InvalidInputException as error:
            raise self.wrong(place, f"{otherwise}: {first_line(error).removeprefix('Invalid Input Error: ')}.") from None

    def skip(self, table: dict[str, Any], place: str) -> Skip:
        self.known(table, ("rule", "column", *_TESTS), f"{place}.")
        when = self.condition(table, place)
        said = ", ".join(f"{test} {value if test != 'equals' else ' or '.join(value)}" for test, value in when.tests)
        return Skip(self.of_kind(table, "rule", str, None, place) or f"{when.column} {said}", when)

    def change(self, table: dict[str, Any], place: str) -> Change:
        self.known(table, ("column", *_TESTS, "set", "absolute"), f"{place}.")
        absolute = self.texts(table.get("absolute", []), f"{place}.absolute")
        for field in absolute:
            if field not in NUMBER_FIELDS:
                raise self.wrong(f"{place}.absolute", f"is for {', '.join(NUMBER_FIELDS)}, not {field}.")
        constants = self.constants(self.of_kind(table, "set", dict, {}, place), f"{place}.set")
        if not absolute and not constants:
            raise self.wrong(place, "changes nothing; say set or absolute.")
        return Change(self.condition(table, place), constants, absolute)


def _near(zone: str) -> list[str]:
    """Zones that are likely meant, so that a message does not list six hundred."""
    last = zone.rsplit("/", 1)[-1][:3].lower()
    near = sorted(name for name in available_timezones() if name.rsplit("/", 1)[-1].lower().startswith(last))
    return near or ["UTC", "Europe/London", "America/New_York"]
