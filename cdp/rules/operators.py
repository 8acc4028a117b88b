"""The only table of operators: their names, the kinds of value they compare and how many values they take.

The meaning of an operator is written twice, in interpret.py and in conditions.py; tests compare both with each other and this
table. Text is compared exactly: upper and lower case differ, and so do composed and decomposed letters. The operators that
ignore case compare both sides in lower case, letter by letter (see `fold` in interpret.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cdp.metrics import Kind

ValueCount = Literal["none", "one", "two", "many"]
#: The kind of an operator's value: mostly that of the metric. "days" is a number of days before the published day, "count" a
#: number of customers, "percent" a share of the customers or of a sum.
ValueKind = Kind | Literal["days", "count", "percent"]
#: What the operator compares: a value, or the customer's position among all customers.
Compares = Literal["value", "rank"]

_NUMBERS: tuple[Kind, ...] = ("integer", "money", "number")
_DATE: tuple[Kind, ...] = ("date",)
_TEXT: tuple[Kind, ...] = ("text",)
_EVERY: tuple[Kind, ...] = (*_NUMBERS, *_DATE, *_TEXT)
_CASE = "Upper and lower case differ."
_ANY_CASE = "Upper and lower case are the same."
_MISSING = "A customer without a value does not match."
_WEEK = "A week begins on Monday."
_RANK = "Customers without a value have no place. Of equal values, the smaller customer id comes first."


@dataclass(frozen=True, slots=True)
class Operator:
    """One comparison."""

    key: str
    label: str
    symbol: str  # unique among the operators of one kind; used to read the older form of rules
    kinds: tuple[Kind, ...]
    values: ValueCount
    about: str = ""
    #: The kind of the values where it is not the kind of the metric.
    takes: ValueKind | None = None
    compares: Compares = "value"

    def value_kind(self, kind: ValueKind) -> ValueKind:
        """The kind of the value for a metric or measure of this kind."""
        return self.takes or kind


OPERATORS: tuple[Operator, ...] = (
    Operator("eq", "is", "=", (*_NUMBERS, *_TEXT), "one"),
    Operator("ne", "is not", "!=", (*_NUMBERS, *_TEXT), "one", _MISSING),
    Operator("lt", "is less than", "<", _NUMBERS, "one"),
    Operator("le", "is at most", "<=", _NUMBERS, "one"),
    Operator("gt", "is more than", ">", _NUMBERS, "one"),
    Operator("ge", "is at least", ">=", _NUMBERS, "one"),
    Operator("on", "is on", "=", _DATE, "one"),
    Operator("not_on", "is not on", "!=", _DATE, "one", _MISSING),
    Operator("before", "is before", "<", _DATE, "one"),
    Operator("on_or_before", "is on or before", "<=", _DATE, "one"),
    Operator("after", "is after", ">", _DATE, "one"),
    Operator("on_or_after", "is on or after", ">=", _DATE, "one"),
    Operator("between", "is between", "between", (*_NUMBERS, *_DATE), "two", "Both ends count."),
    Operator("not_between", "is not between", "not between", (*_NUMBERS, *_DATE), "two", f"Both ends are excluded. {_MISSING}"),
    Operator(
        "in_last_days", "is in the last … days", "in last days", _DATE, "one",
        "The published day is the first of these days.", "days",
    ),
    Operator(
        "more_than_days_ago", "is more than … days ago", "days ago", _DATE, "one",
        "Counted back from the published day; exactly that many days ago does not match.", "days",
    ),
    Operator(
        "days_ago_between", "is between … and … days ago", "days ago between", _DATE, "two",
        "Counted back from the published day; both ends count.", "days",
    ),
    Operator("this_week", "is in this week", "this week", _DATE, "none", _WEEK),
    Operator("last_week", "is in last week", "last week", _DATE, "none", _WEEK),
    Operator("this_month", "is in this month", "this month", _DATE, "none", "The calendar month of the published day."),
    Operator("last_month", "is in last month", "last month", _DATE, "none", "The calendar month before."),
    Operator("this_year", "is in this year", "this year", _DATE, "none", "The calendar year of the published day."),
    Operator("last_year", "is in last year", "last year", _DATE, "none", "The calendar year before."),
    Operator(
        "anniversary_in_days", "has its anniversary within … days", "anniversary in days", _DATE, "one",
        "The published day is the first of these days. 29 February has its anniversary on 28 February of other years.", "days",
    ),
    Operator("in", "is one of", "in", _TEXT, "many"),
    Operator("not_in", "is none of", "not in", _TEXT, "many", _MISSING),
    Operator("contains", "contains", "contains", _TEXT, "one", _CASE),
    Operator("not_contains", "does not contain", "not contains", _TEXT, "one", f"{_CASE} {_MISSING}"),
    Operator("starts_with", "starts with", "starts with", _TEXT, "one", _CASE),
    Operator("ends_with", "ends with", "ends with", _TEXT, "one", _CASE),
    Operator("eq_any_case", "is (any case)", "= any case", _TEXT, "one", _ANY_CASE),
    Operator("in_any_case", "is one of (any case)", "in any case", _TEXT, "many", _ANY_CASE),
    Operator("contains_any_case", "contains (any case)", "contains any case", _TEXT, "one", _ANY_CASE),
    Operator("starts_with_any_case", "starts with (any case)", "starts with any case", _TEXT, "one", _ANY_CASE),
    Operator("ends_with_any_case", "ends with (any case)", "ends with any case", _TEXT, "one", _ANY_CASE),
    Operator("top", "is among the highest …", "top", (*_NUMBERS, *_DATE), "one", _RANK, "count", "rank"),
    Operator("bottom", "is among the lowest …", "bottom", (*_NUMBERS, *_DATE), "one", _RANK, "count", "rank"),
    Operator("top_percent", "is among the highest … %", "top %", (*_NUMBERS, *_DATE), "one", _RANK, "percent", "rank"),
    Operator("bottom_percent", "is among the lowest … %", "bottom %", (*_NUMBERS, *_DATE), "one", _RANK, "percent", "rank"),
    Operator("is_set", "has a value", "is set", _EVERY, "none"),
    Operator("is_not_set", "has no value", "is not set", _EVERY, "none"),
)  # fmt: skip

BY_KEY = {operator.key: operator for operator in OPERATORS}


def list_operators(kind: Kind) -> list[Operator]:
    """The operators for a metric of this kind, in the order shown."""
    return [operator for operator in OPERATORS if kind in operator.kinds]


def list_value_operators(kind: Kind) -> list[Operator]:
    """The operators that compare a value alone: for measures and filters, which have no rank."""
    return [operator for operator in list_operators(kind) if operator.compares == "value"]
