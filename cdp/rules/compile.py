"""A rule as SQL, for DuckDB over the site's snapshot and for Spark over the Delta tables.

Each leaf that reads more than the customer's own row becomes a named subquery of customers (WITH), so the condition of the whole
rule is a plain combination of comparisons and memberships. It is true or false for every customer, never NULL. Equal leaves
share a subquery. The columns of metrics have the types of METRIC_KINDS in cdp/kinds.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import ErrorLevel, exp

from cdp.errors import did_you_mean
from cdp.metrics import BY_KEY as METRICS
from cdp.rules.check import require_valid
from cdp.rules.compile_behaviours import CustomerSet, build_behaviour, build_sequence
from cdp.rules.compile_recommended import build_recommended
from cdp.rules.conditions import build_comparison, build_literal, build_total
from cdp.rules.errors import RuleError
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.source import CUSTOMER_ID, Source, build_table, quote_column
from cdp.rules.tree import All, Any, Behaviour, Compare, InList, InSegment, Leaf, Not, Recommended, Rule
from cdp.rules.tree import Sequence as StepSequence


class Compiler:
    """Builds the conditions of rules on one source, and collects the subqueries that they need."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._subqueries: dict[str, exp.Select] = {}
        self._memberships: dict[Leaf, exp.Expr] = {}

    def build_condition(self, rule: Rule) -> exp.Expr:
        match rule:
            case All(children):
                return exp.and_(*map(self.build_condition, children), copy=False)
            case Any(children):
                return exp.or_(*map(self.build_condition, children), copy=False)
            case Not(child):
                return exp.not_(self.build_condition(child), copy=False)
            case Compare(_, operator) if OPERATORS[operator].compares == "value":
                return self._compare(rule)
            case _:
                return self._is_member(rule)

    def select_customers(self, columns: Sequence[str]) -> exp.Select:
        return exp.select(*map(build_column, columns)).from_(build_table(self.source.customers))

    def add_subqueries(self, query: exp.Select) -> exp.Select:
        """The query with the subqueries that its conditions refer to."""
        for name, subquery in self._subqueries.items():
            query = query.with_(name, subquery, copy=False)
        return query

    def to_text(self, expression: exp.Expr) -> str:
        return expression.sql(dialect=self.source.dialect, unsupported_level=ErrorLevel.RAISE)

    def _compare(self, leaf: Compare) -> exp.Expr:
        column, kind = build_column(leaf.field), METRICS[leaf.field].kind
        return build_total(
            column, leaf.operator, lambda: build_comparison(column, leaf.operator, leaf.values, kind, self.source.as_of)
        )

    def _is_member(self, leaf: Leaf) -> exp.Expr:
        """A leaf is added after the leaves that it refers to: SQL reads WITH from top to bottom."""
        if leaf not in self._memberships:
            query, is_complement = self._build_subquery(leaf)
            name = f"part_{len(self._subqueries) + 1}"
            self._subqueries[name] = query
            is_in = self._build_membership(name)
            self._memberships[leaf] = exp.not_(is_in) if is_complement else is_in
        return self._memberships[leaf].copy()

    def _build_membership(self, name: str) -> exp.Expr:
        """Whether the subquery has the customer. Spark compares every customer with every key for NOT IN, but joins for NOT
        EXISTS."""
        keys = exp.select(self.source.build_key()).from_(exp.to_table(name))
        if self.source.dialect == "duckdb":
            return exp.In(this=self.source.build_key(), query=exp.Subquery(this=keys))
        customer = self.source.build_key(self.source.customers.rpartition(".")[2])
        return exp.Exists(this=keys.where(self.source.build_key(name).eq(customer)))

    def _build_subquery(self, leaf: Leaf) -> CustomerSet:
        match leaf:
            case Compare():
                return CustomerSet(self._build_ranking(leaf), False)
            case Behaviour():
                return build_behaviour(leaf, self.source)
            case StepSequence():
                return CustomerSet(build_sequence(leaf, self.source), False)
            case InSegment(segment_id):
                condition = self.build_condition(self.source.segments[segment_id])
                return CustomerSet(self._select_key(self.source.customers).where(condition, copy=False), False)
            case InList(list_id):
                is_listed = quote_column("list_id").eq(exp.Literal.number(list_id))
                return CustomerSet(self._select_key(self.source.list_members).where(is_listed), False)
            case Recommended():
                return CustomerSet(build_recommended(leaf, self.source), False)

    def _build_ranking(self, leaf: Compare) -> exp.Select:
        """The customers up to a place. The first customer of a percentage is always among them, as the interpreter has it."""
        column, key = build_column(leaf.field), self.source.build_key()
        order = [exp.Ordered(this=column.copy(), desc=leaf.operator.startswith("top")), exp.Ordered(this=key.copy())]
        ranked = self._select_key(self.source.customers).where(exp.not_(column.is_(exp.null())))
        if leaf.operator in ("top", "bottom"):
            return ranked.order_by(*order).limit(exp.Literal.number(int(str(leaf.value))))
        place = exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=order))
        places = ranked.select(exp.alias_(place, "place")).subquery("places")
        # A count over a window would copy every row once more.
        customers = exp.select(exp.Count(this=column.copy())).from_(build_table(self.source.customers)).subquery()
        percent = build_literal("percent", leaf.value)
        is_inside = exp.Paren(this=exp.column("place") - exp.Literal.number(1)) * exp.Literal.number(100) < (customers * percent)
        return exp.select(key).from_(places).where(is_inside)

    def _select_key(self, table: str) -> exp.Select:
        return exp.select(self.source.build_key()).from_(build_table(table))


def to_sql(rule: Rule, source: Source, select: Sequence[str] = (CUSTOMER_ID,)) -> str:
    """A query for the customers of the segment; `select` names columns of the snapshot. Raises RuleError for a rule that does not
    pass `check`."""
    require_valid(rule)
    compiler = Compiler(source)
    query = compiler.select_customers(select).where(compiler.build_condition(rule), copy=False)
    return compiler.to_text(compiler.add_subqueries(query))


def build_column(name: str) -> exp.Column:
    if name != CUSTOMER_ID and name not in METRICS:
        raise RuleError("select", f"{name!r} is not a column of the snapshot; {did_you_mean(name, (CUSTOMER_ID, *METRICS))}")
    return quote_column(name)
