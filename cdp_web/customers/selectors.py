"""Reads of the snapshot for the customer list: one page, the size of the whole list, and its lifecycles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from cdp.rules import Compiler
from cdp_web.customers.keyset import Condition, Cursor, build_condition, build_cursor
from cdp_web.customers.listing import CustomerQuery, list_column_keys
from cdp_web.segments.evaluate import Evaluation, evaluation_open
from cdp_web.segments.references import References
from cdp_web.segments.rules import references_read
from cdp_web.serving.snapshot_query import Session, Snapshot
from cdp_web.serving.snapshot_store import KEY, TABLE

SECONDS = 10
#: The customers that the rule of a list matches.
MATCHES = "matches"


@dataclass(frozen=True, slots=True)
class Selection:
    """The customers of a list, ready for queries."""

    session: Session
    condition: Condition
    references: References


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """One page of a list. `first` is the position of its first customer in the whole list, counted from 1."""

    query: CustomerQuery
    rows: list[dict[str, Any]]
    total: int
    first: int
    #: Lifecycle -> customers of the whole list.
    lifecycles: Mapping[str, int]
    references: References

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def previous(self) -> Cursor | None:
        """The cursor before which the previous page ends."""
        return build_cursor(self.query.order, self.rows[0]) if self.rows and self.first > 1 else None

    @property
    def next(self) -> Cursor | None:
        """The cursor after which the next page begins."""
        return build_cursor(self.query.order, self.rows[-1]) if self.rows and self.last < self.total else None


def customer_page_get(snapshot: Snapshot, query: CustomerQuery) -> CustomerPage:
    """Raises RuleInvalid or TooExpensive if the rule can't be evaluated."""
    with selection_open(snapshot, query) as selection:
        is_beyond = _build_place(query)
        counts = _read_counts(selection, is_beyond)
        rows = _read_page(selection, query, is_beyond)
    total, beyond = sum(row["customers"] for row in counts), sum(row["beyond"] for row in counts)
    first = beyond - len(rows) + 1 if query.backwards else total - beyond + 1
    lifecycles = {row["lifecycle"] or "": row["customers"] for row in counts}
    return CustomerPage(query, rows, total, first if rows else 0, lifecycles, selection.references)


@contextmanager
def selection_open(snapshot: Snapshot, query: CustomerQuery, seconds: float = SECONDS) -> Iterator[Selection]:
    search = Condition("starts_with(customer_id, ?)", (query.search,)) if query.search else Condition("true")
    if query.rule is None:
        with snapshot.open_session(seconds) as session:
            yield Selection(session, search, References())
        return
    references = references_read(query.rule)
    with evaluation_open(snapshot, query.rule, references, seconds=seconds) as evaluation:
        is_match = _prepare_rule(evaluation)
        yield Selection(evaluation.session, Condition(f"{search.sql} AND ({is_match})", search.parameters), references)


def keys_get(selection: Selection, query: CustomerQuery, limit: int) -> list[int]:
    """The keys of the customers of the list, in its order."""
    condition = selection.condition
    sql = f"SELECT {KEY} FROM {TABLE} WHERE {condition.sql} ORDER BY {query.order.write_sql()} LIMIT {limit}"
    keys: list[int] = selection.session.read_table(sql, condition.parameters)[KEY].to_pylist()
    return keys


def _prepare_rule(evaluation: Evaluation) -> str:
    """The condition of the rule, in SQL. If it needs more than the customer's own row, it runs once into a temporary table."""
    compiler, source = Compiler(evaluation.source), evaluation.source
    condition = compiler.build_condition(evaluation.rule)
    matches = compiler.add_subqueries(compiler.select_customers(()).select(source.build_key()).where(condition))
    if matches.find(exp.With) is None:
        return compiler.to_text(condition)
    evaluation.session.execute(f"CREATE OR REPLACE TEMP TABLE {MATCHES} AS {compiler.to_text(matches)}")
    return f"{KEY} IN (FROM {MATCHES})"


def _build_place(query: CustomerQuery) -> Condition:
    if query.cursor is None:
        return Condition("true")
    return build_condition(query.cursor, query.order, backwards=query.backwards)


def _read_counts(selection: Selection, is_beyond: Condition) -> list[dict[str, Any]]:
    """By lifecycle: all customers, and those after (or before) the cursor."""
    condition = selection.condition
    sql = (
        f"SELECT lifecycle, count(*) AS customers, count(*) FILTER (is_beyond) AS beyond"
        f" FROM (SELECT lifecycle, {is_beyond.sql} AS is_beyond FROM {TABLE} WHERE {condition.sql}) GROUP BY lifecycle"
    )
    return selection.session.read_rows(sql, [*is_beyond.parameters, *condition.parameters])


def _read_page(selection: Selection, query: CustomerQuery, is_beyond: Condition) -> list[dict[str, Any]]:
    """Finds the keys of the page first, so that the other columns are read for these customers only."""
    condition = selection.condition
    keys = (
        f"SELECT {KEY} FROM {TABLE} WHERE {condition.sql} AND {is_beyond.sql}"
        f" ORDER BY {query.order.write_sql(backwards=query.backwards)} LIMIT {query.limit}"
    )
    columns = ", ".join(list_column_keys(query))
    sql = f"SELECT {columns} FROM ({keys}) JOIN {TABLE} USING ({KEY}) ORDER BY {query.order.write_sql()}"
    return selection.session.read_rows(sql, [*condition.parameters, *is_beyond.parameters])
