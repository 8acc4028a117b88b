"""The shop's database that the connector reads: the sample shop, or the one that a TOML file describes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdp.errors import did_you_mean
from cdp.events.topics import SHOP_TABLES
from cdp.postgres import SHOP_CDC
from cdp.settings import Settings
from infra.stack.stack import StackError

#: Environment variable of the worker with the password of the sample shop's database.
SAMPLE_PASSWORD = "CDC_SAMPLE_SHOP_PASSWORD"
#: The worker passes only such variables on to a connector (infra/connect/worker.properties).
PASSWORD_NAME = re.compile(r"CDC_[A-Z0-9_]+")
#: What ./run connect takes instead of a file.
WORDS = ("status", "snapshot", "delete")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*")
_SLOT = re.compile(r"[a-z0-9_]{1,63}")
_DATABASE = ("host", "port", "name", "user", "password", "slot", "publication")
_OF_TABLE = ("table", "columns")


class ShopFileError(StackError):
    """The file is wrong. The message names the file and the place in it."""


@dataclass(frozen=True, slots=True)
class CapturedTable:
    """A table of the shop's database and the platform's name for it, which its topic has."""

    name: str
    source: str  # schema.table
    columns: tuple[str, ...] = ()  # empty: all columns


@dataclass(frozen=True, slots=True)
class Shop:
    """A database and what is read from it."""

    host: str
    port: int
    database: str
    user: str
    password_variable: str  # the environment variable that has the password
    tables: tuple[CapturedTable, ...]
    slot: str = "cdc_shop"
    publication: str = "cdc_shop"
    place: str = ""  # the file's name, for messages

    @property
    def is_sample(self) -> bool:
        return self.password_variable == SAMPLE_PASSWORD

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(table.source for table in self.tables)


def sample_shop(settings: Settings) -> Shop:
    tables = tuple(CapturedTable(name, f"shop.{name}") for name in SHOP_TABLES)
    return Shop(settings.shop_host, settings.shop_port, settings.shop_database, SHOP_CDC, SAMPLE_PASSWORD, tables)


def read_shop_file(path: Path) -> Shop:
    if not path.exists():
        hint = did_you_mean(str(path), WORDS, "see docs/cdc.md.")
        raise ShopFileError(f"{path} is neither a file nor one of {', '.join(WORDS)}; {hint}")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ShopFileError(f"{path} can't be read: {error.strerror}.") from error
    return parse_shop(text, path.name)


def parse_shop(text: bytes, name: str) -> Shop:
    try:
        document = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ShopFileError(f"{name} is not valid TOML: {error}.") from error
    return _Reader(name).read(document)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the parts of the file whose name it has."""

    name: str

    def make_error(self, place: str, fault: str) -> ShopFileError:
        return ShopFileError(f"{self.name}: {place} {fault}")

    def read(self, document: Mapping[str, Any]) -> Shop:
        self.require_known(document, ("database", "tables"), "")
        database = self.read_table(document, "database")
        self.require_known(database, _DATABASE, "database.")
        variable = self.read_text(
            database, "database", "password", PASSWORD_NAME, "the name of an environment variable like CDC_SHOP_PASSWORD"
        )
        if variable == SAMPLE_PASSWORD:
            raise self.make_error(
                "database.password", f"is {SAMPLE_PASSWORD}, which belongs to the sample shop; choose another name."
            )
        return Shop(
            host=self.read_text(database, "database", "host", re.compile(r"\S+"), "a host name or an address"),
            port=self.read_port(database),
            database=self.read_text(database, "database", "name", re.compile(r"\S+"), "the name of the database"),
            user=self.read_text(database, "database", "user", re.compile(r"\S+"), "the login that reads the changes", "cdc"),
            password_variable=variable,
            tables=self.read_tables(document),
            slot=self.read_text(database, "database", "slot", _SLOT, "lower-case letters, digits and _", "cdc_shop"),
            publication=self.read_text(database, "database", "publication", _WORD, "letters, digits and _", "cdc_shop"),
            place=self.name,
        )

    def require_known(self, table: Iterable[str], allowed: tuple[str, ...], place: str) -> None:
        for key in table:
            if key not in allowed:
                raise self.make_error(f"{place}{key}", f"is not known; {did_you_mean(key, allowed)}")

    def read_table(self, document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        if key not in document:
            raise self.make_error(f"[{key}]", "is missing.")
        if not isinstance(document[key], dict) or not document[key]:
            raise self.make_error(key, f"must be a table that is not empty: [{key}].")
        table: Mapping[str, Any] = document[key]
        return table

    def read_text(
        self, table: Mapping[str, Any], place: str, key: str, pattern: re.Pattern[str], kind: str, default: str | None = None
    ) -> str:
        value = table.get(key, default)
        if value is None:
            raise self.make_error(f"{place}.{key}", f"is missing; it must be {kind}.")
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self.make_error(f"{place}.{key}", f"must be {kind}, not {value!r}.")
        return value

    def read_port(self, database: Mapping[str, Any]) -> int:
        port = database.get("port", 5432)
        if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
            raise self.make_error("database.port", f"must be a number from 1 to 65535, not {port!r}.")
        return port

    def read_tables(self, document: Mapping[str, Any]) -> tuple[CapturedTable, ...]:
        tables = self.read_table(document, "tables")
        self.require_known(tables, SHOP_TABLES, "tables.")
        shop_tables = tuple(self.read_shop_table(name, value) for name, value in tables.items())
        sources = [table.source for table in shop_tables]
        if twice := [table for table in shop_tables if sources.count(table.source) > 1]:
            raise self.make_error(
                f"tables.{twice[1].name}", f"names the table {twice[1].source} of tables.{twice[0].name} again."
            )
        return shop_tables

    def read_shop_table(self, name: str, value: Any) -> CapturedTable:
        place = f"tables.{name}"
        if not isinstance(value, str | dict):
            raise self.make_error(place, f'must be "schema.table" or a table with columns, not {value!r}.')
        rule: Mapping[str, Any] = {"table": value} if isinstance(value, str) else value
        self.require_known(rule, _OF_TABLE, f"{place}.")
        source = self.read_text(rule, place, "table", _TABLE, 'a schema and a table, such as "public.orders"')
        columns = rule.get("columns", [])
        if not isinstance(columns, list) or not all(isinstance(column, str) and _WORD.fullmatch(column) for column in columns):
            raise self.make_error(f"{place}.columns", 'must be a list of column names: ["id", "total"].')
        if "columns" in rule and not columns:
            raise self.make_error(f"{place}.columns", "is empty; leave it out to read all columns.")
        return CapturedTable(name, source, tuple(dict.fromkeys(columns)))
