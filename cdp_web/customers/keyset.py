"""Pages by key: a page begins after the last customer of the page before, so the thousandth page costs as much as the first.

Customers are sorted by a column and then by id; those without a value come last in both directions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from cdp.metrics import BY_KEY
from cdp.rules import CUSTOMER_ID
from cdp.rules.tree import Scalar
from cdp.rules.values import find_fault, read, write

MAX_ID = 500


@dataclass(frozen=True, slots=True)
class Order:
    """How the customers are sorted."""

    sort: str
    descending: bool

    @property
    def is_by_id(self) -> bool:
        return self.sort == CUSTOMER_ID

    def write_sql(self, *, backwards: bool = False) -> str:
        """The terms of ORDER BY."""
        value = "DESC" if self.descending != backwards else "ASC"
        return f"{self.sort} {value} NULLS {'FIRST' if backwards else 'LAST'}, {CUSTOMER_ID} {'DESC' if backwards else 'ASC'}"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition in SQL with a question mark for each parameter."""

    sql: str
    parameters: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Cursor:
    """The customer beside a page: the value of the sorted column, and the id."""

    value: Scalar | None
    customer_id: str

    def encode(self) -> str:
        return json.dumps([write(self.value), self.customer_id], separators=(",", ":"), ensure_ascii=False)


def build_cursor(order: Order, row: dict[str, Any]) -> Cursor:
    """The id alone is enough if customers are sorted by it."""
    return Cursor(None if order.is_by_id else row[order.sort], row[CUSTOMER_ID])


def parse_cursor(text: str, order: Order) -> Cursor | None:
    """None if the text names no place in this order."""
    try:
        value, customer_id = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(customer_id, str) or not 0 < len(customer_id) <= MAX_ID:
        return None
    if value is None:
        return Cursor(None, customer_id)
    metric = BY_KEY.get(order.sort)
    if metric is None or isinstance(value, bool) or not isinstance(value, str | int):
        return None
    scalar = read(metric.kind, value)
    return None if find_fault(metric.kind, scalar) else Cursor(scalar, customer_id)


def build_condition(cursor: Cursor, order: Order, *, backwards: bool = False) -> Condition:
    """The customers after the cursor, or those before it."""
    beyond = "<" if order.descending != backwards else ">"
    if order.is_by_id:
        return Condition(f"{CUSTOMER_ID} {beyond} ?", (cursor.customer_id,))
    column, id_is_beyond = order.sort, f"{CUSTOMER_ID} {'<' if backwards else '>'} ?"
    if cursor.value is None:
        equal = f"({column} IS NULL AND {id_is_beyond})"
        return Condition(f"({column} IS NOT NULL OR {equal})" if backwards else equal, (cursor.customer_id,))
    equal = f"({column} = ? AND {id_is_beyond})"
    missing = "" if backwards else f" OR {column} IS NULL"
    sql = f"(coalesce({column} {beyond} ? OR {equal}, false){missing})"
    return Condition(sql, (cursor.value, cursor.value, cursor.customer_id))
