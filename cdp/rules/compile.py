"""A rule as SQL, for DuckDB and for Spark, over the snapshot of the customers as of the published day.

Values become literals that sqlglot writes, identifiers come from the catalogue and are quoted; no SQL text is concatenated
here. The condition is true or false for every row, never NULL. The columns are `customer_id` and the metrics, with the types of
METRIC_KINDS in cdp/kinds.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from sqlglot import ErrorLevel, exp

from cdp.errors import did_you_mean
from cdp.kinds import DIGITS, MONEY_SCALE, NUMBER_SCALE
from cdp.metrics import BY_KEY as METRICS
from cdp.rules.check import require_valid
from cdp.rules.errors import RuleError
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import ValueKind
from cdp.rules.tree import All, Any, Compare, Not, Rule
from cdp.rules.values import decimal_text

Dialect = Literal["duckdb", "spark"]
CUSTOMER_ID = "customer_id"

#: (column, literals of the rule, the published day) -> condition, for rows where the column is not NULL.
Condition = Callable[[exp.Column, Sequence[exp.Expr], exp.Expr], exp.Expr]

CONDITIONS: dict[str, Condition] = {
    "eq": lambda column, values, as_of: column.eq(values[0]),
    "ne": lambda column, values, as_of: column.neq(values[0]),
    "lt": lambda column, values, as_of: column < values[0],
    "le": lambda column, values, as_of: column <= values[0],
    "gt": lambda column, values, as_of: column > values[0],
    "ge": lambda column, values, as_of: column >= values[0],
    "on": lambda column, values, as_of: column.eq(values[0]),
    "not_on": lambda column, values, as_of: column.neq(values[0]),
    "before": lambda column, values, as_of: column < values[0],
    "on_or_before": lambda column, values, as_of: column <= values[0],
    "after": lambda column, values, as_of: column > values[0],
    "on_or_after": lambda column, values, as_of: column >= values[0],
    "between": lambda column, values, as_of: column.between(values[0], values[1]),
    # A number of days arrives as the day that many days back, see _build_literal.
    "in_last_days": lambda column, values, as_of: exp.and_(column > values[0], column <= as_of),
    "more_than_days_ago": lambda column, values, as_of: column < values[0],
    "in": lambda column, values, as_of: column.isin(*values),
    "not_in": lambda column, values, as_of: exp.not_(column.isin(*values)),
    "contains": lambda column, values, as_of: exp.Contains(this=column, expression=values[0]),
    "starts_with": lambda column, values, as_of: exp.StartsWith(this=column, expression=values[0]),
}


def to_expression(rule: Rule, as_of: date) -> exp.Expr:
    """The condition as a sqlglot expression. Raises RuleError for a rule that does not pass `check`."""
    require_valid(rule)
    return _build_condition(rule, as_of)


def to_where_sql(rule: Rule, as_of: date, dialect: Dialect = "duckdb") -> str:
    """The condition as text for a WHERE clause."""
    return _to_text(to_expression(rule, as_of), dialect)


def to_sql(rule: Rule, as_of: date, *, table: str, dialect: Dialect = "duckdb", select: Sequence[str] = (CUSTOMER_ID,)) -> str:
    """A query for the customers of the segment; `select` names columns of the snapshot."""
    columns = [_build_column(name) for name in select]
    return _to_text(exp.select(*columns).from_(_build_table(table)).where(to_expression(rule, as_of)), dialect)


def _to_text(expression: exp.Expr, dialect: Dialect) -> str:
    return expression.sql(dialect=dialect, unsupported_level=ErrorLevel.RAISE)


def _build_condition(rule: Rule, as_of: date) -> exp.Expr:
    match rule:
        case All(children):
            return exp.and_(*(_build_condition(child, as_of) for child in children), copy=False)
        case Any(children):
            return exp.or_(*(_build_condition(child, as_of) for child in children), copy=False)
        case Not(child):
            return exp.not_(_build_condition(child, as_of), copy=False)
        case Compare():
            return _build_comparison(rule, as_of)


def _build_comparison(leaf: Compare, as_of: date) -> exp.Expr:
    column = _build_column(leaf.field)
    is_missing = column.is_(exp.null())
    if leaf.operator == "is_not_set":
        return is_missing
    if leaf.operator == "is_set":
        return exp.not_(is_missing)
    kind = OPERATORS[leaf.operator].value_kind(METRICS[leaf.field].kind)
    literals = [_build_literal(kind, value, as_of) for value in leaf.values]
    holds = CONDITIONS[leaf.operator](column, literals, _build_date(as_of))
    # IS NOT NULL makes a missing value false instead of NULL, and unlike coalesce() still lets engines skip row groups.
    return exp.and_(exp.not_(is_missing), holds, copy=False)


def _build_literal(kind: ValueKind, value: object, as_of: date) -> exp.Expr:
    match kind, value:
        case "days", int():
            return _build_date(as_of - timedelta(days=value))
        case "date", date():
            return _build_date(value)
        case "money", int() | Decimal():
            return _build_decimal(value, MONEY_SCALE)
        case "number", int() | Decimal():
            return _build_decimal(value, NUMBER_SCALE)
        case "integer", int():
            return exp.Literal.number(value)
        case "text", str():
            return _build_text(value)
    raise TypeError(f"a value of type {type(value).__name__} is not of kind {kind}; check() should have refused it.")


def _build_date(day: date) -> exp.Expr:
    return exp.cast(exp.Literal.string(day.isoformat()), exp.DataType.build("DATE"))


def _build_decimal(value: int | Decimal, scale: int) -> exp.Expr:
    return exp.cast(exp.Literal.string(decimal_text(Decimal(value))), exp.DataType.build(f"DECIMAL({DIGITS}, {scale})"))


def _build_text(value: str) -> exp.Expr:
    """The text in quotes. Spark replaces `${name}` before it parses, even in quotes, so `$` and `{` are kept apart."""
    first, *rest = re.split(r"(?<=\$)(?=\{)", value)
    text: exp.Expr = exp.Literal.string(first)
    for piece in rest:
        text = exp.DPipe(this=text, expression=exp.Literal.string(piece))
    return text


def _build_column(name: str) -> exp.Column:
    if name != CUSTOMER_ID and name not in METRICS:
        raise RuleError("select", f"{name!r} is not a column of the snapshot; {did_you_mean(name, (CUSTOMER_ID, *METRICS))}")
    return exp.column(name, quoted=True)


def _build_table(name: str) -> exp.Table:
    """A table name of one to three parts, every part quoted."""
    parts = name.split(".")
    if len(parts) > 3 or not all(parts):
        raise RuleError("table", f"{name!r} is not a table name; write it as table, schema.table or catalog.schema.table.")
    *catalog, schema, table = ["", "", *parts][-3:]
    return exp.table_(table, db=schema or None, catalog=catalog[0] or None, quoted=True)
