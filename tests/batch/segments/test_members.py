"""Spark selects from the Delta tables the customers that DuckDB selects from the same rows."""

from __future__ import annotations

from decimal import Decimal
from functools import reduce

import duckdb
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.hdfs.tables import read_customers, read_interactions, read_recommendations
from batch.segments.members import JobTables, generate_lines, select_members
from cdp.rules import (
    All,
    Any,
    Behaviour,
    Compare,
    Filter,
    InList,
    InSegment,
    Not,
    Recommended,
    Rule,
    Sequence,
    Source,
    Step,
    Window,
    to_sql,
)
from cdp.rules.jobs import JobRule
from cdp.settings import load
from tests.batch.segments.shop import (
    DAY,
    make_customers,
    make_interactions,
    make_list_members,
    make_recommendations,
    write_tables,
)

pytestmark = pytest.mark.spark

BOUGHT = Behaviour(Step("purchase"), "events", "ge", 1)
DID_NOT_BUY = Behaviour(Step("purchase"), "events", "eq", 0)
CART, PURCHASE = Step("cart"), Step("purchase")
SEGMENTS: dict[int, Rule] = {9: BOUGHT, 7: Any((InSegment(9), InList(3)))}

RULES: dict[str, tuple[Rule, set[str]]] = {
    "metric": (Compare("total_purchase", "ge", 3), {"c3", "c7", "c11"}),
    "missing value": (Not(Compare("revenue_90d", "gt", Decimal(5))), {"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c9"}),
    "date": (Compare("last_seen", "in_last_days", 3), {"c0", "c1", "c2"}),
    "list": (InList(3), {"c2", "c5"}),
    "not in a list": (All((Not(InList(3)), Compare("sessions", "le", 5))), {"c0", "c1", "c3", "c4"}),
    "empty list": (InList(4), set()),
    "behaviour": (BOUGHT, {"c2", "c3"}),
    "behaviour of a brand": (Behaviour(Step("purchase", (Filter("brand", "eq", "acme"),)), "events", "ge", 1), {"c2"}),
    "no behaviour": (All((DID_NOT_BUY, Compare("sessions", "le", 4))), {"c0", "c1", "c4"}),
    "money in a window": (Behaviour(PURCHASE, "money", "ge", Decimal(20), Window("last_days", (7,))), {"c2"}),
    "segment": (InSegment(7), {"c2", "c3", "c5"}),
    "not in a segment": (All((Not(InSegment(7)), Compare("sessions", "le", 6))), {"c0", "c1", "c4", "c6"}),
    "sequence": (Sequence(CART, PURCHASE, True, 3), {"c2"}),
    "sequence that does not follow": (Sequence(CART, PURCHASE, False, 3), {"c1"}),
    "rank": (Compare("sessions", "top", 2), {"c10", "c11"}),
    "recommended product": (Recommended("product", ("p2",)), {"c2"}),
    "recommended category": (Recommended("category", ("drinks",), 1), {"c1", "c2"}),
    "top recommended category": (Recommended("top_category", ("drinks.tea",)), {"c1"}),
    "share of a rank": (Compare("sessions", "top_percent", Decimal(25)), {"c9", "c10", "c11"}),
}


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> JobTables:
    settings = write_tables(load({}), tmp_path_factory.mktemp("tables"))
    lists = spark.createDataFrame(make_list_members())
    recommendations = read_recommendations(spark, settings, 0)
    return JobTables(read_customers(spark, settings, 0), read_interactions(spark, settings, 0), lists, recommendations)


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    made = {
        "customers": make_customers(),
        "interactions": make_interactions(),
        "list_members": make_list_members(),
        "recommendations": make_recommendations(),
    }
    for name, table in made.items():
        connection.register(name, table)
    return connection


def test_spark_and_duckdb_select_the_same_customers(
    spark: SparkSession, tables: JobTables, duck: duckdb.DuckDBPyConnection
) -> None:
    """One query for all rules, because a query of Spark costs most of its time at the start."""
    frames = [
        select_members(spark, tables, JobRule(rule, SEGMENTS), DAY).select(F.lit(name).alias("name"), "customer_id")
        for name, (rule, _) in RULES.items()
    ]
    selected: dict[str, list[str]] = {name: [] for name in RULES}
    for name, customer_id in reduce(DataFrame.union, frames).collect():
        selected[name].append(customer_id)
    assert {name: sorted(ids) for name, ids in selected.items()} == {name: sorted(ids) for name, (_, ids) in RULES.items()}
    in_duckdb = {name: duck.execute(to_sql(rule, Source(DAY, segments=SEGMENTS))).fetchall() for name, (rule, _) in RULES.items()}
    assert {name: sorted(key for (key,) in rows) for name, rows in in_duckdb.items()} == {
        name: sorted(ids) for name, ids in selected.items()
    }


@pytest.mark.parametrize("rule", [DID_NOT_BUY, Not(InList(3)), Any((Not(InSegment(7)), Compare("sessions", "le", 4)))])
def test_a_complement_is_joined_without_sending_all_ids_everywhere(rule: Rule, spark: SparkSession, tables: JobTables) -> None:
    """Spark joins NOT IN over columns that may be NULL by comparing each customer with each id."""
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", "-1")
    try:
        plan = select_members(spark, tables, JobRule(rule, SEGMENTS), DAY)._jdf.queryExecution().executedPlan().toString()
    finally:
        spark.conf.unset("spark.sql.autoBroadcastJoinThreshold")
    assert "SortMergeJoin" in plan
    assert "Broadcast" not in plan


def test_lines_are_the_rows_of_the_table_in_chunks(
    spark: SparkSession, tables: JobTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batch.segments.members.CHUNK_LINES", 2)
    members = spark.createDataFrame([("a",), ("b\\c",), ("d",)], "customer_id string")
    assert [sorted(chunk) for chunk in generate_lines(members, 12)] == [["12\ta", "12\tb\\\\c"], ["12\td"]]
