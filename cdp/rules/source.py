"""Where a rule is evaluated: the tables, their key, and the rules of the segments that it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from sqlglot import exp

from cdp.rules.errors import RuleError
from cdp.rules.tree import Rule

Dialect = Literal["duckdb", "spark"]
CUSTOMER_ID = "customer_id"


@dataclass(frozen=True, slots=True)
class Source:
    """The tables that a rule is evaluated on, as of a day. `key` identifies a customer in all of them, and sorts like the ids."""

    as_of: date
    dialect: Dialect = "duckdb"
    customers: str = "customers"
    interactions: str = "interactions"
    #: One row per list and customer: `list_id` and the key.
    list_members: str = "list_members"
    #: One row per customer and place of the list, from place 1: `place`, `product_id`, `category` and the key.
    recommendations: str = "recommendations"
    key: str = CUSTOMER_ID
    #: The rules of all segments that a rule refers to, directly or through other segments.
    segments: Mapping[int, Rule] = field(default_factory=dict)

    def build_key(self, table: str | None = None) -> exp.Column:
        return quote_column(self.key, table)


def quote_column(name: str, table: str | None = None) -> exp.Column:
    return exp.column(name, table, quoted=True)


def build_table(name: str) -> exp.Table:
    """A table name of one to three parts, every part quoted."""
    parts = name.split(".")
    if len(parts) > 3 or not all(parts):
        raise RuleError("table", f"{name!r} is not a table name; write it as table, schema.table or catalog.schema.table.")
    *catalog, schema, table = ["", "", *parts][-3:]
    return exp.table_(table, db=schema or None, catalog=catalog[0] or None, quoted=True)
