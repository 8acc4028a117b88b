"""How an export of a table is read: which of its columns are the key and the platform's columns, and the shape of its text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from cdp.errors import did_you_mean
from cdp.events.reading.sql import open_engine
from source_server.diff.columns import require_table
from source_server.intake.mapping import Shape
from source_server.intake.mapping_file import MappingReader
from source_server.intake.refusal import FileRefused
from source_server.shop.tables import BY_NAME

#: The declarations in a watched folder.
DECLARATIONS = "tables.toml"
_KEYS = ("key", "columns", "zone", "file")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """`renames` holds pairs: the file's column and the platform's. Times without a zone are in `zone`."""

    table: str
    renames: tuple[tuple[str, str], ...] = ()
    shape: Shape = field(default_factory=Shape)
    zone: str = "UTC"

    @property
    def key(self) -> tuple[str, ...]:
        return BY_NAME[self.table].key


def make_options(
    table: str, key: Sequence[str] = (), renames: Mapping[str, str] | None = None, shape: Shape | None = None, zone: str = "UTC"
) -> ExportOptions:
    """`key` names the file's columns for the columns of the table's key, in their order."""
    keys = BY_NAME[require_table(table)].key
    if key and len(key) != len(keys):
        raise FileRefused(f"the key of {table} is {','.join(keys)}; {','.join(key)} has another number of columns.")
    pairs = dict(zip(key, keys, strict=False)) | dict(renames or {})
    if len(set(pairs.values())) < len(pairs):
        raise FileRefused(f"two columns of the file become one column of {table}; rename each only once.")
    return ExportOptions(table, tuple(pairs.items()), shape or Shape(), zone)


def parse_renames(text: str) -> dict[str, str]:
    """Pairs like "Order No=order_id,Sum=total"."""
    pairs = [part.partition("=") for part in text.split(",")] if text else []
    if wrong := [part for part, sign, ours in pairs if not (sign and part.strip() and ours.strip())]:
        raise FileRefused(f"columns must be pairs like THEIRS=OURS,…; {wrong[0]!r} is none.")
    return {theirs.strip(): ours.strip() for theirs, _, ours in pairs}


def parse_key(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",")) if text else ()


def read_declarations(path: Path) -> dict[str, ExportOptions]:
    """Table -> options, from a TOML file with a part for each table that differs from the platform's names."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise FileRefused(f"{path} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileRefused(f"{path.name} is not valid TOML: {error}.") from error
    with closing(open_engine()) as engine:
        reader = MappingReader(path.name, engine)
        return {name: _read_declaration(reader, name, reader.read_table(document, name)) for name in document}


def _read_declaration(reader: MappingReader, table: str, values: dict[str, Any]) -> ExportOptions:
    if table not in BY_NAME:
        raise reader.make_error(table, f"is not a table of the shop; {did_you_mean(table, BY_NAME)}")
    reader.require_known(values, _KEYS, f"{table}.")
    zone = reader.read_value(values, "zone", str, "UTC", table)
    if zone not in available_timezones():
        raise reader.make_error(f"{table}.zone", f"is {zone}; {did_you_mean(zone, available_timezones(), 'like Europe/Berlin.')}")
    renames = reader.read_value(values, "columns", dict, {}, table)
    if not all(isinstance(ours, str) for ours in renames.values()):
        raise reader.make_error(f"{table}.columns", 'must be like { "Order No" = "order_id" }.')
    shape = reader.read_shape(reader.read_table(values, "file"))
    return make_options(table, reader.read_texts(values.get("key", []), f"{table}.key"), renames, shape, zone)
