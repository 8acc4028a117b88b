"""The DAG runs of segments: one for each run on the cluster."""

from __future__ import annotations

from cdp.mart.segment_jobs import DAG
from cdp_web.serving import airflow
from cdp_web.serving.airflow import AirflowUnavailable, open_client

__all__ = ["AirflowUnavailable", "dag_run_start", "dag_runs_get_failed", "get_dag_run_id"]

#: The newest failed DAG runs that are looked at.
FAILED_LIMIT = 100


def get_dag_run_id(run_id: int) -> str:
    """The same for every try, so Airflow refuses a second one."""
    return f"segment-run-{run_id}"


def dag_run_start(run_id: int) -> None:
    """Start the DAG run of a run, unless it was started before."""
    airflow.dag_run_start(DAG, get_dag_run_id(run_id), {"run": run_id})


def dag_runs_get_failed() -> set[str]:
    """The ids of the newest DAG runs that failed."""
    with open_client() as client:
        answer = client.get(f"/api/v2/dags/{DAG}/dagRuns?state=failed&order_by=-id&limit={FAILED_LIMIT}").raise_for_status()
        return {each["dag_run_id"] for each in answer.json()["dag_runs"]}
