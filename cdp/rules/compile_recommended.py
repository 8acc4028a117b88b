"""Recommendations as subqueries of customers over the table `recommendations`."""

from __future__ import annotations

from sqlglot import exp

from cdp.rules.conditions import CONDITIONS, build_literal
from cdp.rules.recommended import PRODUCT, TOP_CATEGORY
from cdp.rules.source import Source, build_table, quote_column
from cdp.rules.tree import Recommended


def build_recommended(leaf: Recommended, source: Source) -> exp.Select:
    is_first = quote_column("place") <= exp.Literal.number(leaf.places)
    if leaf.what == TOP_CATEGORY:
        tops = _rank_categories(source, is_first).subquery("tops")
        is_top = quote_column("rank").eq(exp.Literal.number(1))
        return exp.select(source.build_key()).from_(tops).where(is_top, _lies_in(leaf.values))
    is_named = _is_one_of("product_id", leaf.values) if leaf.what == PRODUCT else _lies_in(leaf.values)
    table = build_table(source.recommendations)
    return exp.select(source.build_key()).distinct().from_(table).where(is_first, is_named)


def _rank_categories(source: Source, is_first: exp.Expr) -> exp.Select:
    """The categories of each customer; rank 1 has most places, and of equals the first one."""
    category = quote_column("category")
    order = [
        exp.Ordered(this=exp.Count(this=exp.Star()), desc=True),
        exp.Ordered(this=exp.Min(this=quote_column("place"))),
    ]
    rank = exp.Window(this=exp.RowNumber(), partition_by=[source.build_key()], order=exp.Order(expressions=order))
    has_category = category.neq(exp.Literal.string(""))
    return (
        exp.select(source.build_key(), category, exp.alias_(rank, "rank", quoted=True))
        .from_(build_table(source.recommendations))
        .where(is_first, has_category)
        .group_by(source.build_key(), category.copy())
    )


def _lies_in(categories: tuple[str, ...]) -> exp.Expr:
    """Whether the category is one of these or below one of them."""
    below = [
        CONDITIONS["starts_with"](quote_column("category"), [build_literal("text", f"{category}.")]) for category in categories
    ]
    return exp.or_(_is_one_of("category", categories), *below)


def _is_one_of(column: str, values: tuple[str, ...]) -> exp.Expr:
    return CONDITIONS["in"](quote_column(column), [build_literal("text", value) for value in values])
