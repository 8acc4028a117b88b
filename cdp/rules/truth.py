"""Which conditions of a rule hold for which customer: one table, from which everything about the rule is counted: the members,
each condition alone and in its place, and the customers who miss the rule by one condition.

A customer's row holds one bit for each leaf. Many customers have the same bits, so the conditions of groups are computed once for
each pattern of bits, not for each customer.
"""

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


#: Leaves whose bits one column holds.
_BITS = 62


class TruthTable:
    """The tables of one rule, as SQL. `name` is a view of customers with key, id and a column for each different leaf."""

    def __init__(self, rule: Rule, source: Source, name: str = "truth") -> None:
        self.rule = rule
        self.name = name
        self._compiler = Compiler(source)
        leaves = dict.fromkeys(node.rule for node in walk(rule) if not isinstance(node.rule, All | Any | Not))
        self._columns: dict[Leaf, str] = {leaf: f"leaf_{number}" for number, leaf in enumerate(leaves)}
        self._patterns = [f"pattern_{number}" for number in range(-(-len(leaves) // _BITS))]

    def create(self) -> str:
        """The statements that fill two temporary tables, and a view of both. Every subquery of the rule runs once."""
        statements = (
            f"TABLE {self.name}_rows AS {self._compiler.to_text(self._select_rows())}",
            f"TABLE {self.name}_patterns AS {self._compiler.to_text(self._select_patterns())}",
            f"VIEW {self.name} AS {self._compiler.to_text(self._select_view())}",
        )
        return "; ".join(f"CREATE OR REPLACE TEMP {each}" for each in statements)

    def count(self, conditions: Sequence[exp.Expr]) -> str:
        """One row with the number of customers for each condition."""
        customers = exp.Sum(this=exp.column("customers"))
        counts = [
            exp.Coalesce(
                this=exp.Filter(this=customers.copy(), expression=exp.Where(this=each)), expressions=[exp.Literal.number(0)]
            )
            for each in conditions
        ]
        return self._compiler.to_text(exp.select(*counts).from_(f"{self.name}_patterns"))

    def select_keys(self, condition: exp.Expr, limit: int) -> str:
        """Some customers, chosen by a hash, so equal members give an equal sample; with the truth of each leaf."""
        key = self._compiler.source.build_key()
        order = exp.Ordered(this=exp.func("hash", key.copy()))
        leaves = self._select_leaves().where(condition).subquery("leaves")
        return self._compiler.to_text(exp.select(exp.Star()).from_(leaves).order_by(order, key).limit(limit))

    def select_ids(self, condition: exp.Expr) -> str:
        """The ids of all customers for whom the condition holds."""
        source = self._compiler.source
        members = exp.select(source.build_key()).from_(self._select_leaves().where(condition).subquery("leaves"))
        is_member = exp.In(this=source.build_key(), query=exp.Subquery(this=members))
        return self._compiler.to_text(exp.select(quote_column(CUSTOMER_ID)).from_(build_table(source.customers)).where(is_member))

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

    def _select_rows(self) -> exp.Select:
        """Every customer with the patterns, a sum of one power of two for each leaf that holds."""
        source = self._compiler.source
        bits = [_multiply_bit(self._compiler.build_condition(leaf), n % _BITS) for n, leaf in enumerate(self._columns)]
        sums = [_add(bits[n * _BITS : (n + 1) * _BITS]) for n in range(len(self._patterns))]
        patterns = [exp.alias_(each, name) for each, name in zip(sums, self._patterns, strict=True)]
        query = exp.select(source.build_key(), *patterns).from_(build_table(source.customers))
        return self._compiler.add_subqueries(query)

    def _select_patterns(self) -> exp.Select:
        """Every pattern with its leaves and the number of its customers."""
        leaves = [
            exp.alias_(exp.Paren(this=_read_bit(quote_column(self._patterns[n // _BITS]), n % _BITS)), name)
            for n, name in enumerate(self._columns.values())
        ]
        customers = exp.alias_(exp.Count(this=exp.Star()), "customers")
        patterns = [quote_column(name) for name in self._patterns]
        return exp.select(*patterns, *leaves, customers).from_(f"{self.name}_rows").group_by(*patterns)

    def _select_leaves(self) -> exp.Select:
        columns = [self._compiler.source.build_key(), *map(quote_column, self._columns.values())]
        return exp.select(*columns).from_(f"{self.name}_rows").join(f"{self.name}_patterns", using=[*self._patterns])

    def _select_view(self) -> exp.Select:
        source = self._compiler.source
        ids = exp.select(source.build_key(), *([] if source.key == CUSTOMER_ID else [quote_column(CUSTOMER_ID)]))
        ids = ids.from_(build_table(source.customers))
        leaves = self._select_leaves().subquery("leaves")
        return exp.select(exp.Star()).from_(ids.subquery("ids")).join(leaves, using=[source.key])

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


def _multiply_bit(condition: exp.Expr, place: int) -> exp.Expr:
    number = exp.cast(exp.Paren(this=condition), exp.DataType.build("BIGINT"))
    return exp.Mul(this=number, expression=exp.Literal.number(2**place))


def _read_bit(pattern: exp.Expr, place: int) -> exp.Expr:
    bit = exp.BitwiseAnd(this=pattern, expression=exp.Literal.number(2**place))
    return exp.Paren(this=bit).neq(exp.Literal.number(0))


def _add(numbers: list[exp.Expr]) -> exp.Expr:
    total = numbers[0]
    for number in numbers[1:]:
        total = exp.Add(this=total, expression=number)
    return exp.Paren(this=total)


def _least(numbers: list[exp.Expr]) -> exp.Expr:
    return numbers[0] if len(numbers) == 1 else exp.Least(this=numbers[0], expressions=numbers[1:])
