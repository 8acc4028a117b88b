"""Comparisons as SQL: operators, literals and filters as sqlglot expressions, for DuckDB and Spark.

Values become literals that sqlglot writes; no SQL text is concatenated here. A condition is true or false for every row where
the compared expression is not NULL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from sqlglot import exp

from cdp.kinds import DIGITS, MONEY_SCALE, NUMBER_SCALE
from cdp.rules.behaviours import FIELDS_BY_KEY
from cdp.rules.interpret import fold
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.operators import ValueKind
from cdp.rules.tree import Filter, Scalar
from cdp.rules.values import PERCENT_SCALE, decimal_text
from cdp.rules.windows import CALENDAR, find_anniversaries, find_period, go_back

#: (compared expression, literals of the rule) -> condition.
Condition = Callable[[exp.Expr, Sequence[exp.Expr]], exp.Expr]
_MONDAY = date(1970, 1, 5)

CONDITIONS: dict[str, Condition] = {
    "eq": lambda actual, values: actual.eq(values[0]),
    "ne": lambda actual, values: actual.neq(values[0]),
    "lt": lambda actual, values: actual < values[0],
    "le": lambda actual, values: actual <= values[0],
    "gt": lambda actual, values: actual > values[0],
    "ge": lambda actual, values: actual >= values[0],
    "on": lambda actual, values: actual.eq(values[0]),
    "not_on": lambda actual, values: actual.neq(values[0]),
    "before": lambda actual, values: actual < values[0],
    "on_or_before": lambda actual, values: actual <= values[0],
    "after": lambda actual, values: actual > values[0],
    "on_or_after": lambda actual, values: actual >= values[0],
    "between": lambda actual, values: actual.between(values[0], values[1]),
    "not_between": lambda actual, values: exp.not_(actual.between(values[0], values[1])),
    "in": lambda actual, values: actual.isin(*values),
    "not_in": lambda actual, values: exp.not_(actual.isin(*values)),
    "contains": lambda actual, values: exp.Contains(this=actual, expression=values[0]),
    "not_contains": lambda actual, values: exp.not_(exp.Contains(this=actual, expression=values[0])),
    "starts_with": lambda actual, values: exp.StartsWith(this=actual, expression=values[0]),
    "ends_with": lambda actual, values: exp.EndsWith(this=actual, expression=values[0]),
    "eq_any_case": lambda actual, values: fold_sql(actual).eq(values[0]),
    "in_any_case": lambda actual, values: fold_sql(actual).isin(*values),
    "contains_any_case": lambda actual, values: exp.Contains(this=fold_sql(actual), expression=values[0]),
    "starts_with_any_case": lambda actual, values: exp.StartsWith(this=fold_sql(actual), expression=values[0]),
    "ends_with_any_case": lambda actual, values: exp.EndsWith(this=fold_sql(actual), expression=values[0]),
}


def _find_day_range(operator: str, values: Sequence[Scalar], as_of: date) -> tuple[date | None, date | None] | None:
    """First and last day of an operator that counts from the published day; None for other operators."""
    match operator, values:
        case "in_last_days", (int(days),):
            return go_back(as_of, days - 1), as_of
        case "more_than_days_ago", (int(days),):
            return None, go_back(as_of, days + 1)
        case "days_ago_between", (int(near), int(far)):
            return go_back(as_of, far), go_back(as_of, near)
    return find_period(operator, as_of) if operator in CALENDAR else None


def build_comparison(actual: exp.Expr, operator: str, values: Sequence[Scalar], kind: ValueKind, as_of: date) -> exp.Expr:
    """The condition for rows where `actual` is not NULL. `kind` is the kind of `actual`."""
    if days := _find_day_range(operator, values, as_of):
        return _build_range(actual, *days)
    if operator == "anniversary_in_days":
        return _build_anniversary(actual, int(str(values[0])), as_of)
    if operator.endswith("_any_case"):
        values = [fold(str(value)) for value in values]
    value_kind = OPERATORS[operator].value_kind(kind)
    return CONDITIONS[operator](actual, [build_literal(value_kind, value) for value in values])


def build_total(actual: exp.Expr, operator: str, condition: Callable[[], exp.Expr]) -> exp.Expr:
    """The condition made true or false for every row: a missing value only matches "has no value".

    IS NOT NULL, unlike coalesce(), still lets engines skip row groups.
    """
    is_missing = actual.is_(exp.null())
    if operator == "is_not_set":
        return is_missing
    if operator == "is_set":
        return exp.not_(is_missing)
    return exp.and_(exp.not_(is_missing), condition(), copy=False)


def build_filter(each: Filter) -> exp.Expr:
    """The condition on a row of `interactions`."""
    field = FIELDS_BY_KEY[each.field]
    actual = _build_weekday() if each.field == "weekday" else exp.column(each.field, quoted=True)
    return build_total(actual, each.operator, lambda: build_comparison(actual, each.operator, each.values, field.kind, date.min))


def build_literal(kind: ValueKind, value: object) -> exp.Expr:
    match kind, value:
        case "date", date():
            return build_date(value)
        case "money", int() | Decimal():
            return build_decimal(value, MONEY_SCALE)
        case "number", int() | Decimal():
            return build_decimal(value, NUMBER_SCALE)
        case "percent", int() | Decimal():
            return build_decimal(value, PERCENT_SCALE)
        case (("integer" | "count" | "days"), int()):
            return exp.Literal.number(value)
        case "text", str():
            return _build_text(value)
    raise TypeError(f"a value of type {type(value).__name__} is not of kind {kind}; check() should have refused it.")


def build_date(day: date) -> exp.Expr:
    return exp.cast(exp.Literal.string(day.isoformat()), exp.DataType.build("DATE"))


def build_decimal(value: int | Decimal, scale: int) -> exp.Expr:
    return exp.cast(exp.Literal.string(decimal_text(Decimal(value))), exp.DataType.build(f"DECIMAL({DIGITS}, {scale})"))


def build_days_between(first: exp.Expr, last: exp.Expr) -> exp.Expr:
    """The number of days from the first to the last."""
    return exp.DateDiff(this=last, expression=first, unit=exp.var("DAY"))


def fold_sql(text: exp.Expr) -> exp.Expr:
    """As `fold` in interpret.py."""
    for letter, other in (("Σ", "σ"), ("ς", "σ"), ("İ", "i")):
        text = exp.func("REPLACE", text, exp.Literal.string(letter), exp.Literal.string(other))
    return exp.Lower(this=text)


def _build_range(actual: exp.Expr, first: date | None, last: date | None) -> exp.Expr:
    bounds = [
        *([actual >= build_date(first)] if first else []),
        *([actual <= build_date(last)] if last else []),
    ]
    return exp.and_(*bounds)


def _build_anniversary(actual: exp.Expr, days: int, as_of: date) -> exp.Expr:
    month_and_day = exp.Add(
        this=exp.Mul(this=exp.Month(this=actual.copy()), expression=exp.Literal.number(100)),
        expression=exp.Day(this=actual.copy()),
    )
    numbers = [exp.Literal.number(month * 100 + day) for month, day in find_anniversaries(as_of, days)]
    return exp.and_(actual < build_date(as_of), exp.Paren(this=month_and_day).isin(*numbers))


def _build_weekday() -> exp.Expr:
    """1 is Monday. No event is older than 1970, so the remainder is never negative."""
    days = build_days_between(build_date(_MONDAY), exp.column("day", quoted=True))
    return exp.Paren(this=exp.Add(this=exp.Mod(this=days, expression=exp.Literal.number(7)), expression=exp.Literal.number(1)))


def _build_text(value: str) -> exp.Expr:
    """The text in quotes. Spark replaces `${name}` before it parses, even in quotes, so `$` and `{` are kept apart."""
    first, *rest = re.split(r"(?<=\$)(?=\{)", value)
    text: exp.Expr = exp.Literal.string(first)
    for piece in rest:
        text = exp.DPipe(this=text, expression=exp.Literal.string(piece))
    return text
