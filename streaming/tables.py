"""Creates the Delta tables that a stream declares, before its first batch: readers find quarantine even if nothing was ever
refused. Spark takes no part in it: loading its code of Delta would take longer than all of this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from deltalake import DeltaTable, Field, Schema
from deltalake.schema import ArrayType, PrimitiveType

from cdp.lake.paths import table_url
from cdp.lake.tables import LakeTable
from cdp.settings import Settings

#: Delta's names of types that differ from Spark's.
_DELTA_TYPES = {"int": "integer", "bigint": "long"}
_ARRAY = "array<"


class ForeignTable(RuntimeError):
    """A table's columns are not those that this version of the code writes."""


def ensure_tables(settings: Settings, tables: Iterable[LakeTable]) -> None:
    """Create missing tables, and add missing columns and properties to tables of an earlier version."""
    for table in tables:
        url = table_url(settings, table.name)
        if DeltaTable.is_deltatable(url):
            stored = DeltaTable(url)
            _add_columns(table, stored, url)
            _set_properties(table, stored)
        else:
            _create(table, url)


def _create(table: LakeTable, url: str) -> None:
    fields = [_make_field(name, kind) for name, kind in name_types(table).items()]
    partition = [table.partition] if table.partition else None
    DeltaTable.create(url, Schema(fields), mode="ignore", partition_by=partition, configuration=table.properties)


def _add_columns(table: LakeTable, stored: DeltaTable, url: str) -> None:
    """Existing rows get null. Altering a table disturbs concurrent writers, so it is done only when needed."""
    expected, actual = name_types(table), {field.name: _name_type(field) for field in stored.schema().fields}
    if wrong := find_differences(expected, actual, allow_unknown=bool(table.key)):
        raise ForeignTable(
            f"the table {url} does not match this version: {', '.join(wrong)}. Nothing was written."
            " What to do: docs/operations.md, When the stream stops."
        )
    if missing := [_make_field(name, kind) for name, kind in expected.items() if name not in actual]:
        stored.alter.add_columns(missing)


def _set_properties(table: LakeTable, stored: DeltaTable) -> None:
    """Only the properties that differ, for the same reason."""
    configuration = stored.metadata().configuration
    if changes := {name: value for name, value in table.properties.items() if configuration.get(name) != value}:
        stored.alter.set_table_properties(changes)


def name_types(table: LakeTable) -> dict[str, str]:
    """Each column with its type as Delta names it."""
    return {name: _DELTA_TYPES.get(kind, kind) for name, kind in table.columns.items()}


def find_differences(expected: Mapping[str, str], stored: Mapping[str, str], allow_unknown: bool = False) -> list[str]:
    """Columns of another type and unknown columns. A missing column is no difference: it can be added."""
    wrong_types = [
        f"{name} is {kind} instead of {expected[name]}" for name, kind in stored.items() if expected.get(name, kind) != kind
    ]
    return wrong_types + [f"{name} is unknown" for name in stored if name not in expected and not allow_unknown]


def _make_field(name: str, kind: str) -> Field:
    if kind.startswith(_ARRAY):
        return Field(name, ArrayType(PrimitiveType(kind.removeprefix(_ARRAY).removesuffix(">")), contains_null=True))
    return Field(name, PrimitiveType(kind))


def _name_type(field: Field) -> str:
    if isinstance(field.type, ArrayType) and isinstance(field.type.element_type, PrimitiveType):
        return f"{_ARRAY}{field.type.element_type.type}>"
    return field.type.type if isinstance(field.type, PrimitiveType) else str(field.type)
