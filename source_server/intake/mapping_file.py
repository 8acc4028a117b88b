"""Reads mappings from TOML. An unknown key is refused with its place and the allowed keys."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import duckdb

from cdp.errors import did_you_mean, first_line
from cdp.events import FIELD_NAMES
from cdp.events.reading.sql import open_engine
from source_server.intake.fields import NUMBER_FIELDS
from source_server.intake.kinds import FORMATS
from source_server.intake.mapping import IDENTITY, WHITESPACE, Change, Condition, FieldRule, Mapping, Shape, Skip
from source_server.intake.refusal import MappingError

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


def mapping_for(name: str | None) -> Mapping:
    """The mapping of that name or at that path; without one, the identity mapping of the contract's own names."""
    if name is None:
        return IDENTITY
    shipped = {file.stem: file for file in sorted(SHIPPED.glob("*.toml"))}
    file = shipped.get(name, Path(name))
    if not file.is_file():
        hint = did_you_mean(name, shipped)
        raise MappingError(f"There is no mapping {name}: it is neither a file nor a built-in mapping; {hint}")
    return read_mapping(file.read_bytes(), file.name)


def read_mapping(text: bytes, name: str) -> Mapping:
    try:
        document = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(f"{name} is not valid TOML: {error}.") from error
    with open_engine() as connection:
        return MappingReader(name, connection).read_mapping(document)


class MappingReader:
    """Reads the tables of a mapping. Has the file's name, for messages, and the engine that will read the shop's file."""

    def __init__(self, name: str, engine: duckdb.DuckDBPyConnection) -> None:
        self.name = name
        self.engine = engine

    def make_error(self, place: str, fault: str) -> MappingError:
        return MappingError(f"{self.name}: {place} {fault}")

    def read_mapping(self, document: dict[str, Any]) -> Mapping:
        self.require_known(document, _TABLES, "")
        mapping = Mapping(
            name=self.name,
            shape=self.read_shape(self.read_table(document, "file")),
            fields=self.read_fields(self.read_table(document, "fields")),
            constants=self.read_constants(self.read_table(document, "constants"), "constants"),
            keep=self.read_texts(document.get("keep", []), "keep"),
            skips=tuple(self.read_skip(each, place) for each, place in self.read_tables(document, "skip")),
            changes=tuple(self.read_change(each, place) for each, place in self.read_tables(document, "change")),
            keeps_repeated=self.read_repeated(document) == "keep",
        )
        twice = {field for field, _ in mapping.fields} & {field for field, _ in mapping.constants}
        if twice:
            raise self.make_error(f"fields.{min(twice)}", "is also under constants; keep one of them.")
        return mapping

    def read_repeated(self, document: dict[str, Any]) -> Any:
        value = document.get("repeated", "once")
        if value not in ("keep", "once"):
            raise self.make_error("repeated", f'must be "keep" or "once", not {value!r}.')
        return value

    def require_known(self, table: dict[str, Any], allowed: tuple[str, ...], place: str) -> None:
        for key in table:
            if key not in allowed:
                raise self.make_error(f"{place}{key}", f"is not known; {did_you_mean(key, allowed)}")

    def read_table(self, document: dict[str, Any], key: str) -> dict[str, Any]:
        table = document.get(key, {})
        if not isinstance(table, dict):
            raise self.make_error(key, f"must be a table: [{key}].")
        return table

    def read_tables(self, document: dict[str, Any], key: str) -> list[tuple[dict[str, Any], str]]:
        tables = document.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            raise self.make_error(key, f"must be written as [[{key}]].")
        return [(each, f"{key}[{place}]") for place, each in enumerate(tables, start=1)]

    def read_value(self, table: dict[str, Any], key: str, kind: type, default: Any, place: str) -> Any:
        value = table.get(key, default)
        if value is not default and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            kinds = {str: "a text in quotes", bool: "true or false", int: "a whole number", dict: 'like { "order" = "purchase" }'}
            raise self.make_error(f"{place}.{key}", f"must be {kinds[kind]}, not {value!r}.")
        return value

    def read_texts(self, value: Any, place: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.make_error(place, 'must be a list of texts: ["one", "two"].')
        return tuple(value)

    def read_shape(self, table: dict[str, Any]) -> Shape:
        self.require_known(table, _FILE, "file.")
        text = {key: self.read_value(table, key, str, None, "file") for key in ("format", "delimiter", "quote", "encoding")}
        if text["format"] not in (None, *FORMATS):
            raise self.make_error("file.format", f"is {text['format']}; {did_you_mean(text['format'], FORMATS)}")
        text["delimiter"] = _DELIMITERS.get(text["delimiter"], text["delimiter"])
        self.check_character(text["delimiter"], "file.delimiter", f"one character or {WHITESPACE}", (WHITESPACE,))
        self.check_character(text["quote"], "file.quote", 'one character, or "" for none', ("",))
        self.check_encoding(text["encoding"])
        shape = Shape(
            **{key: value for key, value in text.items() if value is not None},
            header=self.read_value(table, "header", bool, True, "file"),
            columns=self.read_texts(table.get("columns", []), "file.columns"),
            skip_lines=self.read_value(table, "skip_lines", int, 0, "file"),
            decimal=self.read_value(table, "decimal", str, ".", "file"),
            thousands=self.read_value(table, "thousands", str, "", "file"),
        )
        self.check_shape(shape)
        return shape

    def check_shape(self, shape: Shape) -> None:
        if not shape.header and not shape.columns:
            raise self.make_error("file.columns", "must name the columns of a file without header, in their order.")
        if len(set(shape.columns)) < len(shape.columns):
            raise self.make_error("file.columns", "names a column twice.")
        self.check_character(shape.decimal, "file.decimal", "one character", ())
        self.check_character(shape.thousands, "file.thousands", "one character", ("",))
        if shape.decimal == shape.thousands:
            raise self.make_error("file.thousands", "is the same as file.decimal.")
        if shape.skip_lines < 0:
            raise self.make_error("file.skip_lines", "must be 0 or more.")

    def check_character(self, value: str | None, place: str, expected: str, also: tuple[str, ...]) -> None:
        if (
            value is not None
            and value not in also
            and (len(value) != 1 or (not value.isascii() and also != ("",)) or value in "\r\n")
        ):
            raise self.make_error(place, f"must be {expected}, not {value!r}.")

    def check_encoding(self, value: str | None) -> None:
        try:
            codecs.lookup(value or "utf-8")
        except LookupError:
            raise self.make_error("file.encoding", f"{value} is not known; utf-8, latin-1, cp1252 and utf-16 are.") from None

    def read_constants(self, table: dict[str, Any], place: str) -> tuple[tuple[str, str], ...]:
        self.require_known(table, FIELD_NAMES, f"{place}.")
        return tuple((field, self.read_value(table, field, str, None, place)) for field in table)

    def read_fields(self, table: dict[str, Any]) -> tuple[tuple[str, FieldRule], ...]:
        self.require_known(table, FIELD_NAMES, "fields.")
        return tuple((field, self.read_field(field, rule)) for field, rule in table.items())

    def read_field(self, field: str, rule: Any) -> FieldRule:
        place = f"fields.{field}"
        if isinstance(rule, str | list):
            rule = {"column": rule} if isinstance(rule, str) else {"columns": rule}
        if not isinstance(rule, dict):
            raise self.make_error(place, f"must be a column's name, a list of names, or a table, not {rule!r}.")
        self.require_known(rule, _OF_FIELD.get(field, _ANY), f"{place}.")
        columns = self.read_texts(rule.get("columns", []), f"{place}.columns")
        column = self.read_value(rule, "column", str, None, place)
        if (column is None) == (not columns):
            raise self.make_error(place, "must have either column or columns.")

        def get(key: str, kind: type, default: Any) -> Any:
            return self.read_value(rule, key, kind, default, place)

        return FieldRule(
            columns=(column,) if column is not None else columns,
            **{key: get(key, str, "") for key in ("strip_prefix", "strip_suffix", "levels")},
            **{key: get(key, bool, False) for key in ("whole", "lower", "absolute")},
            join=get("join", str, "-"),
            values=self.read_values(get("values", dict, {}), f"{place}.values"),
            default=get("default", str, None),
            formats=self.read_formats(rule, place),
            zone=self.read_zone(rule, place),
            times=get("times", str, None),
        )

    def read_values(self, table: dict[str, Any], place: str) -> tuple[tuple[str, str], ...]:
        return tuple((old, self.read_value(table, old, str, None, place)) for old in table)

    def read_formats(self, rule: dict[str, Any], place: str) -> tuple[str, ...]:
        value = rule.get("format", ["iso"] if "zone" in rule else [])
        formats = self.read_texts([value] if isinstance(value, str) else value, f"{place}.format")
        for each in formats:
            if each not in ("iso", "epoch", "epoch_ms") and "%" not in each:
                raise self.make_error(
                    f"{place}.format", f"is {each!r}; it can be iso, epoch, epoch_ms or a pattern like %d.%m.%Y %H:%M."
                )
            self.try_sql("try_strptime('', ?)", each, f"{place}.format", "is not a time pattern")
        return formats

    def read_zone(self, rule: dict[str, Any], place: str) -> str | None:
        zone = self.read_value(rule, "zone", str, None, place)
        if zone is not None and zone not in available_timezones():
            raise self.make_error(f"{place}.zone", f"{zone} is not known; {did_you_mean(zone, _find_similar(zone))}")
        return zone

    def read_condition(self, table: dict[str, Any], place: str) -> Condition:
        tests = [(test, self.read_test(test, table[test], place)) for test in _TESTS if test in table]
        if not isinstance(table.get("column"), str) or not tests:
            raise self.make_error(place, f"must have column and one of {', '.join(_TESTS)}.")
        return Condition(table["column"], tuple(tests))

    def read_test(self, test: str, value: Any, place: str) -> Any:
        if test == "equals":
            value = value if isinstance(value, list) else [value]
        kinds: dict[str, tuple[type, ...]] = {"equals": (list,), "is_empty": (bool,), "less_than": (int,)}
        if not isinstance(value, kinds.get(test, (str,))) or (test == "less_than" and isinstance(value, bool)):
            raise self.make_error(f"{place}.{test}", f"can't be {value!r}.")
        if test == "matches":
            self.try_sql("regexp_matches('', ?)", str(value), f"{place}.matches", "is not a regular expression")
        return tuple(map(str, value)) if isinstance(value, list) else value

    def try_sql(self, sql: str, value: str, place: str, fault: str) -> None:
        """Let the engine itself check a pattern: its patterns differ a little from Python's."""
        try:
            self.engine.execute(f"SELECT {sql}", [value])
        except duckdb.InvalidInputException as error:
            raise self.make_error(place, f"{fault}: {first_line(error).removeprefix('Invalid Input Error: ')}.") from None

    def read_skip(self, table: dict[str, Any], place: str) -> Skip:
        self.require_known(table, ("rule", "column", *_TESTS), f"{place}.")
        when = self.read_condition(table, place)
        tests = ", ".join(f"{test} {value if test != 'equals' else ' or '.join(value)}" for test, value in when.tests)
        return Skip(self.read_value(table, "rule", str, None, place) or f"{when.column} {tests}", when)

    def read_change(self, table: dict[str, Any], place: str) -> Change:
        self.require_known(table, ("column", *_TESTS, "set", "absolute"), f"{place}.")
        absolute = self.read_texts(table.get("absolute", []), f"{place}.absolute")
        for field in absolute:
            if field not in NUMBER_FIELDS:
                raise self.make_error(f"{place}.absolute", f"is for {', '.join(NUMBER_FIELDS)}, not {field}.")
        constants = self.read_constants(self.read_value(table, "set", dict, {}, place), f"{place}.set")
        if not absolute and not constants:
            raise self.make_error(place, "changes nothing; add set or absolute.")
        return Change(self.read_condition(table, place), constants, absolute)


def _find_similar(zone: str) -> list[str]:
    """Zones that are probably meant, so that a message does not list all six hundred."""
    last = zone.rsplit("/", 1)[-1][:3].lower()
    near = sorted(name for name in available_timezones() if name.rsplit("/", 1)[-1].lower().startswith(last))
    return near or ["UTC", "Europe/London", "America/New_York"]
