"""The SQL of a rule, and the rules that are refused. tests/agreement tests that it means the same as the interpreter."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from cdp.rules import MAX_LEAVES, MAX_LIST_VALUES, All, Any, Compare, Not, Rule, RuleError, to_expression, to_sql, to_where_sql

AS_OF = date(2019, 10, 31)


@pytest.mark.parametrize(
    ("rule", "duckdb_sql"),
    [
        (Compare("views", "ge", 2), 'NOT "views" IS NULL AND "views" >= 2'),
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
            'NOT "last_seen" IS NULL AND "last_seen" < CAST(\'2019-10-01\' AS DATE)',
        ),
        (Compare("lifecycle", "starts_with", "o'n"), "NOT \"lifecycle\" IS NULL AND STARTS_WITH(\"lifecycle\", 'o''n')"),
    ],
)
def test_a_leaf_in_duckdb(rule: Rule, duckdb_sql: str) -> None:
    assert to_where_sql(rule, AS_OF, "duckdb") == duckdb_sql


def test_a_tree_in_spark() -> None:
    rule = Any((All((Compare("views", "ge", 2), Compare("carts", "is_set"))), Not(Compare("lifecycle", "contains", "o'n\\"))))
    assert to_where_sql(rule, AS_OF, "spark") == (
        "((NOT `views` IS NULL AND `views` >= 2) AND NOT `carts` IS NULL)"
        " OR NOT (NOT `lifecycle` IS NULL AND CONTAINS(`lifecycle`, 'o\\'n\\\\'))"
    )


def test_spark_replaces_no_variable() -> None:
    """Spark would replace ${env:HOME} with its value before it parses the text."""
    text = "a${env:HOME}$${x}"
    rule = Compare("lifecycle", "contains", text)
    assert "${" not in to_where_sql(rule, AS_OF, "duckdb") + to_where_sql(rule, AS_OF, "spark")
    with duckdb.connect() as duck:
        duck.execute("CREATE TABLE customers AS SELECT unnest(?) AS lifecycle", [[f"({text})", text[:-1]]])
        assert duck.execute(f"SELECT lifecycle FROM customers WHERE {to_where_sql(rule, AS_OF)}").fetchall() == [(f"({text})",)]
    pieces = [piece.this for piece in sqlglot.parse_one(to_where_sql(rule, AS_OF, "spark"), read="spark").find_all(exp.Literal)]
    assert sorted(pieces) == ["a$", "{env:HOME}$$", "{x}"]


def test_the_query_selects_ids_or_columns_of_the_snapshot() -> None:
    rule = Compare("views", "ge", 2)
    where = to_where_sql(rule, AS_OF)
    assert to_sql(rule, AS_OF, table="customers") == f'SELECT "customer_id" FROM "customers" WHERE {where}'
    assert to_sql(rule, AS_OF, table="lake.mart.customers", select=("customer_id", "views")) == (
        f'SELECT "customer_id", "views" FROM "lake"."mart"."customers" WHERE {where}'
    )


def test_the_query_is_in_the_requested_dialect() -> None:
    query = to_sql(Compare("views", "ge", 2), AS_OF, table="customers", dialect="spark")
    assert query == "SELECT `customer_id` FROM `customers` WHERE NOT `views` IS NULL AND `views` >= 2"


def test_a_table_name_is_an_identifier_and_nothing_else() -> None:
    sql = to_sql(Compare("views", "ge", 2), AS_OF, table='c"; DROP TABLE x; --')
    assert 'FROM "c""; DROP TABLE x; --" WHERE' in sql
    for name in ("", "a..b", "a.b.c.d"):
        with pytest.raises(RuleError, match=r"^table: .* is not a table name; write it as"):
            to_sql(Compare("views", "ge", 2), AS_OF, table=name)


def test_a_column_outside_the_catalogue_is_refused() -> None:
    with pytest.raises(RuleError, match=r"^select: 'viws' is not a column of the snapshot; did you mean 'views'"):
        to_sql(Compare("views", "ge", 2), AS_OF, table="customers", select=("customer_id", "viws"))


@pytest.mark.parametrize(
    "rule", [All(()), Compare("viws", "ge", 2), Compare("views", "ge", "2; DROP TABLE x"), Compare("views", "or", 1)]
)
def test_a_rule_with_a_problem_never_becomes_sql(rule: Rule) -> None:
    with pytest.raises(RuleError):
        to_expression(rule, AS_OF)


@pytest.mark.parametrize(
    "rule",
    [
        Any(tuple(Compare("views", "eq", i) for i in range(MAX_LEAVES))),
        Compare("lifecycle", "in", ("new",) * MAX_LIST_VALUES),
    ],
    ids=["leaves", "list"],
)
def test_the_largest_rules_run_in_duckdb_and_parse_as_spark(rule: Rule) -> None:
    snapshot = duckdb.connect()
    snapshot.execute("CREATE TABLE customers AS SELECT 'a' AS customer_id, 199::BIGINT AS views, 'new' AS lifecycle")
    assert snapshot.execute(to_sql(rule, AS_OF, table="customers")).fetchall() == [("a",)]
    assert sqlglot.parse_one(to_sql(rule, AS_OF, table="customers", dialect="spark"), read="spark")
