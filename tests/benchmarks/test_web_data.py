"""The chart tables of the benchmark `web` at 1,000 customers, without servers: they add up to the days, as the night's do."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from benchmarks.segments_data import write_history
from benchmarks.web_data import QUERIES, open_history, write_scores
from cdp.mart.daily import KPI_DAY, TABLES
from cdp.metrics.rfm import RFM_GROUPS, SCORES

CUSTOMERS = 1_000
FILLED = [table for table in TABLES if table.name in QUERIES]
ADDED_UP = [table for table in FILLED if table.agrees]


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    folder: Path = tmp_path_factory.mktemp("history")
    write_history(folder, CUSTOMERS)
    write_scores(folder)
    duck = open_history(folder)
    for table in FILLED:
        duck.execute(f"CREATE TABLE {table.name} AS SELECT {', '.join(table.column_names)} FROM ({QUERIES[table.name]})")
    return duck


def read(duck: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return duck.execute(query).fetchall()


@pytest.mark.parametrize("table", ADDED_UP, ids=lambda table: table.name)
def test_table_adds_up_to_the_days(duck: duckdb.DuckDBPyConnection, table: object) -> None:
    assert hasattr(table, "agrees")
    names = ", ".join(f"sum({column})" for column, _ in table.agrees)
    sums = ", ".join(sql for _, sql in table.agrees)
    levels = f"GROUP BY {table.agrees_within}" if table.agrees_within else ""
    (expected,) = read(duck, f"SELECT {names} FROM {KPI_DAY.name}")
    assert set(read(duck, f"SELECT {sums} FROM {table.name} {levels}")) == {expected}


@pytest.mark.parametrize("table", FILLED, ids=lambda table: table.name)
def test_key_is_unique(duck: duckdb.DuckDBPyConnection, table: object) -> None:
    assert hasattr(table, "key")
    ((rows, keys),) = read(duck, f"SELECT count(*), count(DISTINCT ({', '.join(table.key)})) FROM {table.name}")
    assert rows == keys
    assert rows


def test_scores_and_groups_are_those_of_the_night(duck: duckdb.DuckDBPyConnection) -> None:
    groups = {group.name: group for group in RFM_GROUPS}
    rows = read(duck, "SELECT DISTINCT recency_score, (frequency_score + monetary_score + 1) // 2, rfm_group FROM rfm_day")
    for recency, worth, name in rows:
        assert groups[str(name)].recency[0] <= int(str(recency)) <= groups[str(name)].recency[1]
        assert groups[str(name)].worth[0] <= int(str(worth)) <= groups[str(name)].worth[1]
    ((lowest, highest),) = read(duck, "SELECT min(recency_score), max(recency_score) FROM rfm_day")
    assert (lowest, highest) == (SCORES[0], SCORES[-1])
    assert read(duck, "SELECT sum(customers) FROM rfm_day") == read(
        duck, "SELECT count(*) FROM customers WHERE total_purchase > 0"
    )
