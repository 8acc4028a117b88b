"""Airflow's REST API, as far as the site needs it: it starts the DAG of a run and lists the DAG runs that failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from cdp.mart.segment_jobs import DAG
from cdp.settings import current
from cdp_web.serving.errors import NotReady

SECONDS = 10
#: The newest failed DAG runs that are looked at.
FAILED_LIMIT = 100
_RUNS = f"/api/v2/dags/{DAG}/dagRuns"


class AirflowUnavailable(NotReady):
    code = "airflow_unavailable"
    title = "Airflow can't start the run"
    remedy = "Check whether Airflow is healthy: ./run status"


def get_dag_run_id(run_id: int) -> str:
    """The same for every try, so Airflow refuses a second one."""
    return f"segment-run-{run_id}"


def dag_run_start(run_id: int) -> None:
    """Start the DAG run of a run, unless it was started before."""
    body = {"dag_run_id": get_dag_run_id(run_id), "logical_date": None, "conf": {"run": run_id}}
    with _open_client() as client:
        answer = client.post(_RUNS, json=body)
        if answer.status_code != httpx.codes.CONFLICT:
            answer.raise_for_status()


def dag_runs_get_failed() -> set[str]:
    """The ids of the newest DAG runs that failed."""
    with _open_client() as client:
        answer = client.get(f"{_RUNS}?state=failed&order_by=-id&limit={FAILED_LIMIT}").raise_for_status()
        return {each["dag_run_id"] for each in answer.json()["dag_runs"]}


@contextmanager
def _open_client() -> Iterator[httpx.Client]:
    """A client that is logged in as Airflow's administrator."""
    settings = current()
    login = {"username": settings.admin_user, "password": settings.airflow_password}
    try:
        with httpx.Client(base_url=settings.airflow_url, timeout=SECONDS) as client:
            token = client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client
    except httpx.HTTPStatusError as error:
        answer = error.response
        raise AirflowUnavailable(f"Airflow answers {answer.status_code} at {answer.url.path}: {answer.text[:200]}") from error
    except httpx.HTTPError as error:
        raise AirflowUnavailable(f"Airflow at {settings.airflow_url} does not answer: {error}") from error
