"""Behaviours and sequences as subqueries of customers over the table `interactions`."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlglot import exp

from cdp.rules.behaviours import ANY_EVENT, MEASURES_BY_KEY
from cdp.rules.conditions import CONDITIONS, build_comparison, build_date, build_days_between, build_filter, build_total
from cdp.rules.interpret import TESTS
from cdp.rules.source import Source, build_table, quote_column
from cdp.rules.tree import Behaviour, Sequence, Step
from cdp.rules.windows import find_days, go_back

Days = tuple[date | None, date]
SHARES = {"share_of_events": "events", "share_of_money": "money"}


class CustomerSet(NamedTuple):
    """A query for the customers who match or, where `is_complement`, for those who do not."""

    query: exp.Select
    is_complement: bool


def build_behaviour(leaf: Behaviour, source: Source) -> CustomerSet:
    """A customer without such an event has no row, so where such a customer matches the query names the others."""
    condition, is_complement = _build_condition(leaf, source.as_of), _matches_without_events(leaf, source.as_of)
    step = Step(leaf.step.event) if leaf.measure in SHARES else leaf.step
    rows = _select_rows(step, source, find_days(leaf.window, source.as_of), (source.key,))
    query = rows.group_by(source.build_key()).having(exp.not_(condition) if is_complement else condition)
    return CustomerSet(query, is_complement)


def build_sequence(leaf: Sequence, source: Source) -> exp.Select:
    """The customers for whom a first step is, or is not, followed in time."""
    names = (source.key, "day", *([leaf.same] if leaf.same else []))
    first, last = find_days(leaf.window, source.as_of)
    if not leaf.follows:  # a step counts once the days in which another could follow are over
        last = min(last, go_back(source.as_of, leaf.within_days))
    # A customer rarely has two rows of a product on a day, but many of a category: the join would multiply them.
    is_distinct = leaf.same != "product_id" or not leaf.follows
    earlier = _select_steps(leaf.first, source, (first, last), names, is_distinct=is_distinct).subquery("earlier")
    later = _select_steps(leaf.then, source, (first, source.as_of), names, is_distinct=is_distinct).subquery("later")
    days = build_days_between(quote_column("day", "earlier"), quote_column("day", "later"))
    shared = [quote_column(name, "earlier").eq(quote_column(name, "later")) for name in names if name != "day"]
    is_next = exp.and_(*shared, days.between(exp.Literal.number(0), exp.Literal.number(leaf.within_days)))
    if leaf.follows:
        return exp.select(source.build_key("earlier")).distinct().from_(earlier).join(later, on=is_next)
    return exp.select(source.build_key()).distinct().from_(_select_lonely(earlier, later, is_next, names).subquery("lonely"))


def _select_lonely(earlier: exp.Subquery, later: exp.Subquery, is_next: exp.Expr, names: tuple[str, ...]) -> exp.Select:
    """The first steps that no other follows."""
    columns = [quote_column(name, "earlier") for name in names]
    has_none = exp.Count(this=quote_column("day", "later")).eq(exp.Literal.number(0))
    steps = exp.select(columns[0]).from_(earlier).join(later, on=is_next, join_type="left")
    return steps.group_by(*columns).having(has_none)


def _select_steps(step: Step, source: Source, days: Days, names: tuple[str, ...], *, is_distinct: bool) -> exp.Select:
    rows = _select_rows(step, source, days, names)
    if is_distinct:
        rows = rows.distinct()
    for name in names[2:]:
        rows = rows.where(exp.not_(quote_column(name).is_(exp.null())))
    return rows


def _select_rows(step: Step, source: Source, days: Days, names: tuple[str, ...]) -> exp.Select:
    first, last = days
    day = quote_column("day")
    conditions = [
        *([quote_column("event_type").eq(exp.Literal.string(step.event))] if step.event != ANY_EVENT else []),
        *([day >= build_date(first)] if first else []),
        day <= build_date(last),
        *map(build_filter, step.filters),
    ]
    return exp.select(*map(quote_column, names)).from_(build_table(source.interactions)).where(*conditions)


def _matches_without_events(leaf: Behaviour, as_of: date) -> bool:
    empty = MEASURES_BY_KEY[leaf.measure].empty
    if empty is None:
        return leaf.operator == "is_not_set"
    return TESTS[leaf.operator](empty, leaf.value, as_of)


def _build_condition(leaf: Behaviour, as_of: date) -> exp.Expr:
    if leaf.measure in SHARES:
        return _build_share_condition(leaf)
    actual, kind = _MEASURES[leaf.measure], MEASURES_BY_KEY[leaf.measure].kind
    return build_total(actual, leaf.operator, lambda: build_comparison(actual, leaf.operator, leaf.values, kind, as_of))


def _build_share_condition(leaf: Behaviour) -> exp.Expr:
    """Part times 100 is compared with percent times whole, in hundredths of a percent: nothing is rounded."""
    column = quote_column(SHARES[leaf.measure])
    passes = exp.and_(*map(build_filter, leaf.step.filters))
    part = exp.Sum(this=exp.case().when(passes, column.copy()).else_(exp.Literal.number(0)))
    whole = exp.Sum(this=column)
    has_whole = whole > exp.Literal.number(0)
    if leaf.operator == "is_set":
        return has_whole
    if leaf.operator == "is_not_set":
        return exp.not_(has_whole)
    limits = [whole * exp.Literal.number(int(value * 100)) for value in leaf.values]  # type: ignore[operator]
    return exp.and_(has_whole, CONDITIONS[leaf.operator](part * exp.Literal.number(10_000), limits))


def _count_distinct(name: str) -> exp.Expr:
    return exp.Count(this=exp.Distinct(expressions=[quote_column(name)]))


_MEASURES: dict[str, exp.Expr] = {
    "events": exp.Sum(this=quote_column("events")),
    "quantity": exp.Sum(this=quote_column("quantity")),
    "money": exp.Sum(this=exp.Abs(this=quote_column("money"))),
    "products": _count_distinct("product_id"),
    "categories": _count_distinct("category_1"),
    "brands": _count_distinct("brand"),
    "days": _count_distinct("day"),
    "first_day": exp.Min(this=quote_column("day")),
    "last_day": exp.Max(this=quote_column("day")),
}
