"""The comparison of the two computations finds every difference: a value, a missing one, a customer, a row of a table."""

from __future__ import annotations

import duckdb
import pytest

from benchmarks.night_agreement import _column_types, compare, compare_tables
from benchmarks.outcome import Outcome
from cdp.mart.charts import CHART_TABLES
from tests.oracle.customers import READ
from tests.oracle.tables import READ_TABLES


def compare_after(change: str) -> Outcome:
    """Compare three customers with 1 in every metric; the change is made to one of the two tables."""
    outcome = Outcome("test")
    with duckdb.connect() as duck:
        columns = ", ".join(f"1 AS {key}" for key in READ)
        for table in ("snapshot", "again"):
            duck.execute(f"CREATE TABLE {table} AS SELECT 'c' || range AS customer_id, {columns} FROM range(3)")
        duck.execute(change)
        compare(duck, outcome)
    return outcome


def test_equal_tables_meet_the_goals() -> None:
    outcome = compare_after("SELECT 1")
    assert outcome.met
    assert {measure.what: measure.value for measure in outcome.measures} == {"customers": 3, "values compared": 3 * len(READ)}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE again SET revenue_7d = 2 WHERE customer_id = 'c1'",
        "UPDATE snapshot SET revenue_7d = NULL WHERE customer_id = 'c1'",
        "UPDATE again SET revenue_7d = NULL WHERE customer_id = 'c1'",
    ],
)
def test_a_value_that_differs_is_named(change: str) -> None:
    outcome = compare_after(change)
    assert ("revenue_7d differs", 1) in {(measure.what, measure.value) for measure in outcome.measures}
    assert [goal.value for goal in outcome.goals if not goal.met] == [1]


@pytest.mark.parametrize("table", ["snapshot", "again"])
def test_a_customer_of_only_one_table_is_found(table: str) -> None:
    outcome = compare_after(f"DELETE FROM {table} WHERE customer_id = 'c1'")
    assert [(goal.what, goal.value) for goal in outcome.goals if not goal.met] == [("customers that only one of the two has", 1)]


def compare_tables_after(change: str) -> Outcome:
    """Compare tables with one row of missing values each; the change is made to one of the tables."""
    outcome = Outcome("test")
    with duckdb.connect() as duck:
        for table in CHART_TABLES:
            for name in (table.name, f"{table.name}_again"):
                duck.execute(f"CREATE TABLE {name} ({_column_types(table)})")
                duck.execute(f"INSERT INTO {name} ({table.column_names[0]}) VALUES (NULL)")
        duck.execute(change)
        compare_tables(duck, outcome)
    return outcome


def test_every_table_of_the_charts_is_compared() -> None:
    assert list(READ_TABLES) == [table.name for table in CHART_TABLES]
    outcome = compare_tables_after("SELECT 1")
    assert outcome.met
    assert [(measure.what, measure.value) for measure in outcome.measures] == [("rows of tables compared", len(CHART_TABLES))]


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        ("UPDATE hour_day SET orders = 2", 2),
        ("UPDATE hour_day_again SET revenue = 0.01", 2),
        ("DELETE FROM hour_day", 1),
        ("INSERT INTO hour_day_again SELECT * FROM hour_day", 1),
    ],
)
def test_a_row_that_differs_is_counted_and_its_table_named(change: str, rows: int) -> None:
    outcome = compare_tables_after(change)
    assert ("hour_day differs", rows) in {(measure.what, measure.value) for measure in outcome.measures}
    assert [(goal.what, goal.value) for goal in outcome.goals if not goal.met] == [("rows of tables that differ", rows)]
