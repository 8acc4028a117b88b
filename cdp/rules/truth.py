"""Which conditions of a rule hold for which customer: one table with a column for each leaf, from which everything about the rule
is counted: the members, each condition alone and in its place, and the customers who miss the rule by one condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from cdp.rules.compile import Compiler
from cdp.rules.source import CUSTOMER_ID, Source, build_table, quote_column
from cdp.rules.tree import All, Any, Leaf, Not, Rule, RuleNode, walk


@dataclass(frozen=True, slots=True)
class NodeCondition:
    """The conditions that count a node: alone, and after the conditions that come before it in the groups around it."""

    path: str
    alone: exp.Expr
    in_place: exp.Expr


class TruthTable:
    """The table of one rule, as SQL. It has the customer's key and id, and a column for each different leaf."""

    def __init__(self, rule: Rule, source: Source, name: str = "truth") -> None:
        self.rule = rule
        self.name = name
        self._compiler = Compiler(source)
        leaves = dict.fromkeys(node.rule for node in walk(rule) if not isinstance(node.rule, All | Any | Not))
        self._columns: dict[Leaf, str] = {leaf: f"leaf_{number}" for number, leaf in enumerate(leaves)}

    def create(self) -> str:
        """The statement that fills a temporary table. Every subquery of the rule runs once."""
        source = self._compiler.source
        truths = [exp.alias_(exp.Paren(this=self._compiler.build_condition(leaf)), name) for leaf, name in self._columns.items()]
        query = exp.select(source.build_key(), quote_column(CUSTOMER_ID), *truths).from_(build_table(source.customers))
        query = self._compiler.add_subqueries(query)
        return f"CREATE OR REPLACE TEMP TABLE {self.name} AS {self._compiler.to_text(query)}"

    def count(self, conditions: Sequence[exp.Expr]) -> str:
        """One row with the number of customers for each condition."""
        counts = [exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=each)) for each in conditions]
        return self._compiler.to_text(exp.select(*counts).from_(self.name))

    def select_keys(self, condition: exp.Expr, limit: int) -> str:
        """Some customers, chosen by a hash, so equal members give an equal sample; with the truth of each leaf."""
        key = self._compiler.source.build_key()
        order = exp.Ordered(this=exp.func("hash", key.copy()))
        query = exp.select(exp.Star()).from_(self.name).where(condition).order_by(order, key).limit(limit)
        return self._compiler.to_text(query)

    def select_ids(self, condition: exp.Expr) -> str:
        """The ids of all customers for whom the condition holds."""
        return self._compiler.to_text(exp.select(quote_column(CUSTOMER_ID)).from_(self.name).where(condition))

    def select_first_ids(self, condition: exp.Expr, limit: int) -> str:
        """The ids of the first customers in the order of their keys."""
        query = exp.select(quote_column(CUSTOMER_ID)).from_(self.name).where(condition)
        return self._compiler.to_text(query.order_by(self._compiler.source.build_key()).limit(limit))

    def is_member(self) -> exp.Expr:
        return self.combine(self.rule)

    def is_anyone(self) -> exp.Expr:
        return exp.true()

    def is_near(self) -> exp.Expr:
        """Whether the customer would be a member if one condition were the other way round."""
        return self._distance(self.rule, True).eq(exp.Literal.number(1))

    def list_conditions(self) -> list[NodeCondition]:
        """Every node of the rule in reading order."""
        in_place = dict(self._list_places(RuleNode("rule", 1, self.rule), []))
        return [NodeCondition(node.path, self.combine(node.rule), in_place[node.path]) for node in walk(self.rule)]

    def leaf_columns(self) -> dict[Leaf, str]:
        return dict(self._columns)

    def combine(self, rule: Rule) -> exp.Expr:
        """The condition of a part of the rule, from the columns of its leaves."""
        match rule:
            case All(children):
                return exp.and_(*map(self.combine, children))
            case Any(children):
                return exp.or_(*map(self.combine, children))
            case Not(child):
                return exp.not_(self.combine(child))
            case _:
                return quote_column(self._columns[rule])

    def _list_places(self, node: RuleNode, before: list[exp.Expr]) -> Iterator[tuple[str, exp.Expr]]:
        yield node.path, exp.and_(*before, self.combine(node.rule))
        match node.rule:
            case All(children):
                for i, child in enumerate(children):
                    yield from self._list_places(RuleNode(f"{node.path}.all[{i}]", 0, child), before)
                    before = [*before, self.combine(child)]
            case Any(children):
                for i, child in enumerate(children):
                    yield from self._list_places(RuleNode(f"{node.path}.any[{i}]", 0, child), before)
            case Not(child):
                yield from self._list_places(RuleNode(f"{node.path}.not", 0, child), before)

    def _distance(self, rule: Rule, wanted: bool) -> exp.Expr:
        """How many leaves must change until the rule is as wanted. A leaf that occurs twice counts twice."""
        match rule:
            case All(children) | Any(children):
                distances = [self._distance(child, wanted) for child in children]
                needs_all = isinstance(rule, All) == wanted
                return _add(distances) if needs_all else _least(distances)
            case Not(child):
                return self._distance(child, not wanted)
            case _:
                holds = quote_column(self._columns[rule])
                return exp.cast(exp.Paren(this=exp.not_(holds) if wanted else holds), exp.DataType.build("INT"))


def _add(numbers: list[exp.Expr]) -> exp.Expr:
    total = numbers[0]
    for number in numbers[1:]:
        total = exp.Add(this=total, expression=number)
    return exp.Paren(this=total)


def _least(numbers: list[exp.Expr]) -> exp.Expr:
    return numbers[0] if len(numbers) == 1 else exp.Least(this=numbers[0], expressions=numbers[1:])
