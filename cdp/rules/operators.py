"""The only table of operators: their names, the kinds of metric they take and how many values.

The meaning of an operator is written twice, in interpret.py and in compile.py; tests compare both with each other and this table.
Text is compared exactly: upper and lower case differ, and so do composed and decomposed letters. Folding case differs
between Python, DuckDB and Spark, so no operator does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cdp.metrics import Kind

ValueCount = Literal["none", "one", "two", "many"]
#: The kind of an operator's value: mostly that of the metric; "days" is a number of days back from the published day.
ValueKind = Kind | Literal["days"]

_NUMBERS: tuple[Kind, ...] = ("integer", "money", "number")
_DATE: tuple[Kind, ...] = ("date",)
_TEXT: tuple[Kind, ...] = ("text",)
_EVERY: tuple[Kind, ...] = (*_NUMBERS, *_DATE, *_TEXT)
_CASE = "Upper and lower case differ."
_MISSING = "A customer without a value does not match."


@dataclass(frozen=True, slots=True)
class Operator:
    """One comparison. `phrase` is its part of the English sentence; `{}` stands for each value."""

    key: str
    label: str
    symbol: str  # unique among the operators of one kind; used to read the older form of rules
    kinds: tuple[Kind, ...]
    values: ValueCount
    phrase: str
    about: str = ""
    counts_days: bool = False

    def value_kind(self, kind: Kind) -> ValueKind:
        """The kind of the value for a metric of this kind."""
        return "days" if self.counts_days else kind


OPERATORS: tuple[Operator, ...] = (
    Operator("eq", "is", "=", (*_NUMBERS, *_TEXT), "one", "is {}"),
    Operator("ne", "is not", "!=", (*_NUMBERS, *_TEXT), "one", "is not {}", _MISSING),
    Operator("lt", "is less than", "<", _NUMBERS, "one", "is less than {}"),
    Operator("le", "is at most", "<=", _NUMBERS, "one", "is at most {}"),
    Operator("gt", "is more than", ">", _NUMBERS, "one", "is more than {}"),
    Operator("ge", "is at least", ">=", _NUMBERS, "one", "is at least {}"),
    Operator("on", "is on", "=", _DATE, "one", "is on {}"),
    Operator("not_on", "is not on", "!=", _DATE, "one", "is not on {}", _MISSING),
    Operator("before", "is before", "<", _DATE, "one", "is before {}"),
    Operator("on_or_before", "is on or before", "<=", _DATE, "one", "is on or before {}"),
    Operator("after", "is after", ">", _DATE, "one", "is after {}"),
    Operator("on_or_after", "is on or after", ">=", _DATE, "one", "is on or after {}"),
    Operator("between", "is between", "between", (*_NUMBERS, *_DATE), "two", "is from {} to {}", "Both ends count."),
    Operator(
        "in_last_days", "is in the last … days", "in last days", _DATE, "one", "is in the last {}",
        "The published day is the first of these days.", counts_days=True,
    ),
    Operator(
        "more_than_days_ago", "is more than … days ago", "days ago", _DATE, "one", "is more than {} ago",
        "Counted back from the published day; exactly that many days ago does not match.", counts_days=True,
    ),
    Operator("in", "is one of", "in", _TEXT, "many", "is one of {}"),
    Operator("not_in", "is none of", "not in", _TEXT, "many", "is none of {}", _MISSING),
    Operator("contains", "contains (case matters)", "contains", _TEXT, "one", "contains {}", _CASE),
    Operator("starts_with", "starts with (case matters)", "starts with", _TEXT, "one", "starts with {}", _CASE),
    Operator("is_set", "has a value", "is set", _EVERY, "none", "has a value"),
    Operator("is_not_set", "has no value", "is not set", _EVERY, "none", "has no value"),
)  # fmt: skip

BY_KEY = {operator.key: operator for operator in OPERATORS}


def list_operators(kind: Kind) -> list[Operator]:
    """The operators for a metric of this kind, in the order shown."""
    return [operator for operator in OPERATORS if kind in operator.kinds]
