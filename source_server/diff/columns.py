"""The columns of the shop's tables and how a text of a file becomes their value, as the database's own messages have it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import sqlglot
from sqlglot import exp

from cdp.errors import did_you_mean
from cdp.events.reading.sql import literal
from source_server.intake.mapping import Shape
from source_server.intake.refusal import FileRefused
from source_server.shop.tables import BY_NAME

_CREATE_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS shop\.(\w+) \(\n.*?^\);", re.MULTILINE | re.DOTALL)
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """`expected` completes the sentence "must be …"; `sql` turns the SQL of a text into a value, which is null if it does not
    fit."""

    expected: str
    sql: str  # {text}: the text as it is; {trimmed}: without white space around it

    def read(self, text: str) -> str:
        return self.sql.replace("{text}", text).replace("{trimmed}", f"trim({text}, ' \t')")


#: A column that the platform does not know, and every text.
TEXT = ColumnType("a text without the character NUL", "CASE WHEN NOT contains({text}, chr(0)) THEN {text} END")
_BOOLEAN = ColumnType(
    "true or false",
    f"CASE WHEN lower({{trimmed}}) IN {_TRUE} THEN true WHEN lower({{trimmed}}) IN {_FALSE} THEN false END",
)
_TIME = ColumnType(
    "a time such as 2026-01-31T23:59:59Z",
    "(SELECT CASE WHEN isfinite(t) AND year(t) BETWEEN 1 AND 9999 THEN strftime(t, '%Y-%m-%dT%H:%M:%S.%fZ') END"
    " FROM (SELECT timezone('UTC', TRY_CAST({trimmed} AS TIMESTAMPTZ)) AS t))",
)


def _make_integer(sql_type: str) -> ColumnType:
    digits = "regexp_full_match({trimmed}, '[+-]?[0-9]+')"
    return ColumnType(f"a whole number ({sql_type})", f"CASE WHEN {digits} THEN TRY_CAST({{trimmed}} AS {sql_type}) END")


def _make_money(digits: int, scale: int, shape: Shape) -> ColumnType:
    """A text with all digits after the point. More digits than the column has are refused, not rounded."""
    number = f"replace({{trimmed}}, {literal(shape.thousands)}, '')" if shape.thousands else "{trimmed}"
    pattern = f"[0-9]{{1,{digits - scale}}}([{shape.decimal}][0-9]{{1,{scale}}}0*)?"
    amount = f"CAST(replace({number}, {literal(shape.decimal)}, '.') AS DECIMAL({digits},{scale}))"
    return ColumnType(
        f"an amount of money with at most {scale} decimals, such as 1234{shape.decimal}50",
        f"CASE WHEN regexp_full_match({number}, {literal(pattern)}) THEN CAST({amount} AS VARCHAR) END",
    )


def require_table(name: str) -> str:
    """The name, if it is a table of the shop."""
    if name not in BY_NAME:
        raise FileRefused(f"{name!r} is not a table of the shop; {did_you_mean(name, BY_NAME)}")
    return name


def column_types(table: str, shape: Shape) -> dict[str, ColumnType]:
    """Column -> type, in the order of the schema."""
    return {name: _choose_type(sql_type, shape) for name, sql_type in _read_schema()[table].items()}


def _choose_type(sql_type: exp.DataType, shape: Shape) -> ColumnType:
    if sql_type.is_type("bigint", "int"):
        return _make_integer("BIGINT" if sql_type.is_type("bigint") else "INTEGER")
    if sql_type.is_type("decimal"):
        digits, scale = (int(each.name) for each in sql_type.expressions)
        return _make_money(digits, scale, shape)
    if sql_type.is_type("boolean"):
        return _BOOLEAN
    return _TIME if sql_type.is_type("timestamptz") else TEXT


@cache
def _read_schema() -> Mapping[str, Mapping[str, exp.DataType]]:
    """Table -> column -> type, from the schema of the sample shop."""
    text = (files("source_server.shop") / "sql" / "schema.sql").read_text()
    return {match[1]: _read_columns(match[0]) for match in _CREATE_TABLE.finditer(text)}


def _read_columns(statement: str) -> dict[str, exp.DataType]:
    definition = sqlglot.parse_one(statement, dialect="postgres")
    return {column.name: column.args["kind"] for column in definition.this.expressions if isinstance(column, exp.ColumnDef)}
