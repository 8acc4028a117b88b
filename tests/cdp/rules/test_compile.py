"""The SQL of a rule, and the rules that are refused. tests/agreement tests that it means the same as the interpreter."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from cdp.rules import (
    MAX_LEAVES,
    MAX_LIST_VALUES,
    All,
    Any,
    Behaviour,
    Compare,
    Dialect,
    Filter,
    InList,
    InSegment,
    Not,
    Rule,
    RuleError,
    Sequence,
    Source,
    Step,
    to_sql,
)

DUCKDB = Source(date(2019, 10, 31))
SPARK = replace(DUCKDB, dialect="spark")
VIEWS = Compare("views", "ge", 2)
BOUGHT = Behaviour(Step("purchase"), "events", "ge", 1)
TOP = Compare("views", "top", 10)
NEW_YEAR = "CAST('2019-01-01' AS DATE)"


def where(rule: Rule, source: Source = DUCKDB) -> str:
    """The condition of a rule that needs no subquery."""
    return to_sql(rule, source).partition(" WHERE ")[2]


@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        (VIEWS, 'NOT "views" IS NULL AND "views" >= 2'),
        (Compare("views", "is_not_set"), '"views" IS NULL'),
        (Compare("views", "is_set"), 'NOT "views" IS NULL'),
        (
            Compare("total_purchase_value", "gt", Decimal("12.5")),
            'NOT "total_purchase_value" IS NULL AND "total_purchase_value" > CAST(\'12.50\' AS DECIMAL(18, 2))',
        ),
        (
            Compare("view_to_cart_rate", "lt", Decimal("0.125")),
            'NOT "view_to_cart_rate" IS NULL AND "view_to_cart_rate" < CAST(\'0.125\' AS DECIMAL(18, 6))',
        ),
        (
            Compare("last_seen", "more_than_days_ago", 30),
            'NOT "last_seen" IS NULL AND "last_seen" <= CAST(\'2019-09-30\' AS DATE)',
        ),
        (
            Compare("last_seen", "this_year"),
            f'NOT "last_seen" IS NULL AND ("last_seen" >= {NEW_YEAR} AND "last_seen" <= {NEW_YEAR.replace("01-01", "12-31")})',
        ),
        (Compare("lifecycle", "starts_with", "o'n"), "NOT \"lifecycle\" IS NULL AND STARTS_WITH(\"lifecycle\", 'o''n')"),
    ],
)
def test_a_comparison_in_duckdb(rule: Rule, sql: str) -> None:
    assert where(rule) == sql


def test_a_tree_in_spark() -> None:
    rule = Any((All((VIEWS, Compare("carts", "is_set"))), Not(Compare("lifecycle", "contains", "o'n\\"))))
    assert where(rule, SPARK) == (
        "((NOT `views` IS NULL AND `views` >= 2) AND NOT `carts` IS NULL)"
        " OR NOT (NOT `lifecycle` IS NULL AND CONTAINS(`lifecycle`, 'o\\'n\\\\'))"
    )


@pytest.mark.parametrize(
    ("rule", "subqueries"),
    [
        (VIEWS, 0),
        (All((BOUGHT, Not(BOUGHT), Any((BOUGHT, VIEWS)))), 1),
        (All((TOP, TOP, Compare("views", "top", 11))), 2),
        (All((InList(1), InList(1), InList(2))), 2),
        (All((Sequence(Step("cart"), Step("purchase"), True, 2),) * 2), 1),
        (All((InSegment(1), InSegment(1))), 2),
        (All((BOUGHT, InSegment(1), InSegment(2))), 3),
    ],
)
def test_equal_leaves_share_one_subquery_in_segments_too(rule: Rule, subqueries: int) -> None:
    source = replace(DUCKDB, segments={1: BOUGHT, 2: All((VIEWS, BOUGHT))})
    names = [part.alias for part in sqlglot.parse_one(to_sql(rule, source), read="duckdb").find_all(exp.CTE)]
    assert names == [f"part_{n + 1}" for n in range(subqueries)]


def test_a_behaviour_without_events_selects_the_complement() -> None:
    never = Behaviour(Step("purchase"), "events", "eq", 0)
    assert 'WHERE NOT "customer_id" IN (SELECT "customer_id" FROM part_1)' in to_sql(never, DUCKDB)
    assert 'WHERE "customer_id" IN (SELECT "customer_id" FROM part_1)' in to_sql(BOUGHT, DUCKDB)


def test_spark_replaces_no_variable() -> None:
    """Spark would replace ${env:HOME} with its value before it parses the text."""
    text = "a${env:HOME}$${x}"
    rule = Compare("lifecycle", "contains", text)
    assert "${" not in to_sql(rule, DUCKDB) + to_sql(rule, SPARK)
    with duckdb.connect() as duck:
        duck.execute("CREATE TABLE customers AS SELECT unnest(?) AS lifecycle", [[f"({text})", text[:-1]]])
        assert duck.execute(f"SELECT lifecycle FROM customers WHERE {where(rule)}").fetchall() == [(f"({text})",)]
    pieces = [piece.this for piece in sqlglot.parse_one(to_sql(rule, SPARK), read="spark").find_all(exp.Literal)]
    assert sorted(pieces) == ["a$", "{env:HOME}$$", "{x}"]


HOSTILE = (
    "x'; DROP TABLE customers; --", 'x"; DROP TABLE customers; --', "\\'; DROP TABLE customers; --", "*/ DROP /*", "`DROP`",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_text_of_a_rule_is_only_ever_in_literals(text: str, dialect: Dialect) -> None:
    step = Step("purchase", (Filter("brand", "in", (text, "y")), Filter("product_id", "contains_any_case", text)))
    rule = All(
        (
            Compare("favourite_brand_by_views", "not_in", (text,)),
            Behaviour(step, "share_of_events", "ge", Decimal(50)),
            Sequence(step, step, False, 2, "brand"),
        )
    )
    statements = sqlglot.parse(to_sql(rule, replace(DUCKDB, dialect=dialect)), read=dialect)
    assert [type(statement) for statement in statements] == [exp.Select]
    texts = [literal.this for literal in statements[0].find_all(exp.Literal)]  # type: ignore[union-attr]
    assert text in texts
    without = statements[0].transform(lambda each: exp.Literal.number(0) if isinstance(each, exp.Literal) else each)  # type: ignore[union-attr]
    assert "drop" not in without.sql(dialect=dialect).lower()


def test_the_query_selects_ids_or_columns_of_the_snapshot() -> None:
    assert to_sql(VIEWS, DUCKDB) == f'SELECT "customer_id" FROM "customers" WHERE {where(VIEWS)}'
    lake = replace(DUCKDB, customers="lake.mart.customers")
    assert to_sql(VIEWS, lake, ("customer_id", "views")) == (
        f'SELECT "customer_id", "views" FROM "lake"."mart"."customers" WHERE {where(VIEWS)}'
    )
    assert to_sql(VIEWS, SPARK) == "SELECT `customer_id` FROM `customers` WHERE NOT `views` IS NULL AND `views` >= 2"


def test_the_key_and_the_tables_are_those_of_the_source() -> None:
    source = Source(date(2019, 10, 31), interactions="i", list_members="m", key="number")
    sql = to_sql(All((BOUGHT, InList(7))), source)
    assert {table.name for table in sqlglot.parse_one(sql, read="duckdb").find_all(exp.Table)} == {
        "customers", "i", "m", "part_1", "part_2",
    }  # fmt: skip
    assert '"list_id" = 7' in sql
    assert '"number" IN (SELECT "number" FROM part_1)' in sql


def test_a_table_name_is_an_identifier_and_nothing_else() -> None:
    assert 'FROM "c""; DROP TABLE x; --" WHERE' in to_sql(VIEWS, replace(DUCKDB, customers='c"; DROP TABLE x; --'))
    for name in ("", "a..b", "a.b.c.d"):
        with pytest.raises(RuleError) as caught:
            to_sql(VIEWS, replace(DUCKDB, customers=name))
        assert caught.value.path == "table"


def test_a_column_outside_the_catalogue_is_refused() -> None:
    with pytest.raises(RuleError) as caught:
        to_sql(VIEWS, DUCKDB, ("customer_id", "viws"))
    assert caught.value.path == "select"


@pytest.mark.parametrize(
    "rule", [All(()), Compare("viws", "ge", 2), Compare("views", "ge", "2; DROP TABLE x"), Compare("views", "or", 1)]
)
def test_a_rule_with_a_problem_never_becomes_sql(rule: Rule) -> None:
    with pytest.raises(RuleError):
        to_sql(rule, DUCKDB)


@pytest.mark.parametrize(
    "rule",
    [
        Any(tuple(Compare("views", "eq", i) for i in range(MAX_LEAVES))),
        Compare("lifecycle", "in", ("new",) * MAX_LIST_VALUES),
    ],
    ids=["leaves", "list"],
)
def test_the_largest_rules_run_in_duckdb_and_parse_as_spark(rule: Rule) -> None:
    with duckdb.connect() as snapshot:
        snapshot.execute("CREATE TABLE customers AS SELECT 'a' AS customer_id, 199::BIGINT AS views, 'new' AS lifecycle")
        assert snapshot.execute(to_sql(rule, DUCKDB)).fetchall() == [("a",)]
    assert sqlglot.parse_one(to_sql(rule, SPARK), read="spark")
