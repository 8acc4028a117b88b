"""The benchmark of segments at 2,000 customers, without servers: the made history, the rules, and the peers' SQL."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import sqlglot

from benchmarks.outcome import Outcome
from benchmarks.segments import find_lead, refuse_differences, report_rules
from benchmarks.segments_data import ROWS_A_CUSTOMER, write_changed, write_history
from benchmarks.segments_jsonb import write_query
from benchmarks.segments_postgres import PeerTimes, write_sql
from benchmarks.segments_rules import LIST_ID, RULES, BenchRule, make_source
from cdp.kinds import METRIC_KINDS
from cdp.metrics import METRICS
from cdp.rules import check, to_sql

CUSTOMERS = 2_000


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    write_history(folder, CUSTOMERS)
    return folder


@pytest.fixture(scope="module")
def duck(history: Path) -> duckdb.DuckDBPyConnection:
    """The tables of a snapshot, with a list of 200 customers."""
    duck = duckdb.connect()
    customers, interactions = (f"'{history}/{name}.parquet'" for name in ("customers", "interactions"))
    duck.execute(f"CREATE TABLE customers AS SELECT row_number() OVER (ORDER BY customer_id) AS customer, * FROM {customers}")
    duck.execute(f"CREATE TABLE interactions AS FROM {interactions} JOIN customers USING (customer_id)")
    duck.execute(f"CREATE TABLE list_members AS SELECT {LIST_ID} AS list_id, customer FROM customers WHERE customer % 10 = 0")
    return duck


def test_every_customer_has_interactions_and_every_metric_its_type(duck: duckdb.DuckDBPyConnection) -> None:
    assert duck.execute("SELECT count(*), count(DISTINCT customer_id) FROM customers").fetchone() == (CUSTOMERS, CUSTOMERS)
    rows = duck.execute("SELECT count(*), count(DISTINCT customer_id) FROM interactions").fetchone()
    assert rows == (CUSTOMERS * ROWS_A_CUSTOMER, CUSTOMERS)
    types = {name: kind for name, kind, *_ in duck.execute("DESCRIBE customers").fetchall()}
    expected = {metric.key: METRIC_KINDS[metric.kind].duckdb for metric in METRICS}
    assert {key: types[key].lower() for key in expected} == expected


def test_a_history_is_made_alike_twice(history: Path, tmp_path: Path) -> None:
    write_history(tmp_path, CUSTOMERS)
    for name in ("customers", "interactions"):
        ours, again = (f"(FROM '{folder}/{name}.parquet')" for folder in (history, tmp_path))
        assert duckdb.sql(f"{ours} EXCEPT ALL {again}").fetchall() == []


def test_a_later_publication_differs_in_a_hundredth(history: Path, tmp_path: Path) -> None:
    write_changed(tmp_path, history)
    same = f"(SELECT customer_id, total_purchase_value FROM '{history}/customers.parquet') INTERSECT FROM changed"
    changed = f"WITH changed AS (SELECT customer_id, total_purchase_value FROM '{tmp_path}/customers.parquet') "
    kept = len(duckdb.sql(changed + same).fetchall())
    assert 0 < CUSTOMERS - kept < CUSTOMERS / 30


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_has_some_members_and_not_all(duck: duckdb.DuckDBPyConnection, rule: BenchRule) -> None:
    assert check(rule.rule) == []
    members = duck.execute(to_sql(rule.rule, make_source())).fetchall()
    assert 0 < len(members) < CUSTOMERS / 2


def test_the_rules_are_twenty_with_different_names() -> None:
    assert len({rule.name for rule in RULES}) == 20
    assert [rule.reads_behaviours for rule in RULES] == [False] * 10 + [True] * 10


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_peers_have_a_query_that_postgres_can_parse(rule: BenchRule) -> None:
    sqlglot.parse_one(write_sql(rule), read="postgres")
    if "top 1 %" not in rule.name:
        assert write_query(rule.rule).startswith("SELECT customer_id FROM documents WHERE ")


def make_times(seconds: float, digest: str = "a") -> dict[str, PeerTimes]:
    return {rule.name: PeerTimes(1, digest, [seconds] * 5) for rule in RULES}


OURS = {rule.name: {"count": 1, "digest": "a", "previews": [0.05] * 5, "counts": [0.01] * 5} for rule in RULES}


def test_other_ids_of_a_peer_fail_the_benchmark() -> None:
    refuse_differences(OURS, {"Postgres": make_times(1.0)})
    with pytest.raises(RuntimeError, match="Postgres"):
        refuse_differences(OURS, {"Postgres": make_times(1.0, "b")})


def test_the_lead_is_over_the_quickest_peer_and_a_stopped_one_has_its_limit() -> None:
    stopped = {rule.name: PeerTimes(0, "", []) for rule in RULES}
    assert find_lead(OURS, {"slow": make_times(1.0), "quick": make_times(0.2)}) == pytest.approx(20)
    assert find_lead(OURS, {"stopped": stopped}) == pytest.approx(6000)


@pytest.mark.parametrize(("seconds", "met"), [(0.1, True), (0.09, False)])
def test_a_lead_below_ten_is_missed(seconds: float, met: bool) -> None:
    outcome = Outcome("test")
    report_rules(outcome, OURS, {"Postgres": make_times(seconds)})
    assert outcome.met is met
