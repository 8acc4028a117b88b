"""Addresses of the pages that Airflow and Spark have themselves."""

from __future__ import annotations

from urllib.parse import quote

from cdp.settings import current


def link_to_dag(dag: str, dag_run_id: str = "") -> str:
    """A DAG in Airflow, or one of its runs."""
    address = f"{current().airflow_url}/dags/{dag}"
    return f"{address}/runs/{quote(dag_run_id, safe='')}" if dag_run_id else address


def link_to_spark_history() -> str:
    return current().spark_history_http
