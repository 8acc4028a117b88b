"""Airflow's REST API, as far as the site needs it: it starts DAG runs, follows them and reads the schedule of a DAG."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from django.utils.translation import gettext_lazy

from cdp.settings import current
from cdp_web.serving.errors import NotReady

SECONDS = 10


class AirflowUnavailable(NotReady):
    code = "airflow_unavailable"
    title = gettext_lazy("Airflow can't start the run")
    remedy = gettext_lazy("Check whether Airflow is healthy: ./run status")


@dataclass(frozen=True, slots=True)
class DagRun:
    """A run of a DAG; its state is queued, running, success or failed."""

    state: str
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class DagSchedule:
    is_paused: bool
    next_at: datetime | None


@contextmanager
def open_client(seconds: float = SECONDS) -> Iterator[httpx.Client]:
    """A client that is logged in as Airflow's administrator."""
    settings = current()
    login = {"username": settings.admin_user, "password": settings.airflow_password}
    try:
        with httpx.Client(base_url=settings.airflow_url, timeout=seconds) as client:
            token = client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client
    except httpx.HTTPStatusError as error:
        answer = error.response
        raise AirflowUnavailable(f"Airflow answers {answer.status_code} at {answer.url.path}: {answer.text[:200]}") from error
    except httpx.HTTPError as error:
        raise AirflowUnavailable(f"Airflow at {settings.airflow_url} does not answer: {error}") from error


def dag_run_start(dag: str, dag_run_id: str, conf: Mapping[str, Any]) -> bool:
    """Start a run of a DAG; false if a run with this id was started before."""
    body = {"dag_run_id": dag_run_id, "logical_date": None, "conf": conf}
    with open_client() as client:
        answer = client.post(f"/api/v2/dags/{dag}/dagRuns", json=body)
        if answer.status_code == httpx.codes.CONFLICT:
            return False
        answer.raise_for_status()
    return True


def dag_run_get(dag: str, dag_run_id: str) -> DagRun:
    with open_client() as client:
        run = client.get(f"/api/v2/dags/{dag}/dagRuns/{dag_run_id}").raise_for_status().json()
    return DagRun(run["state"], _parse_time(run.get("start_date")), _parse_time(run.get("end_date")))


def task_result_get(dag: str, dag_run_id: str, task: str) -> Any:
    """The last line that a task printed, parsed as JSON; None if it is no JSON."""
    path = f"/api/v2/dags/{dag}/dagRuns/{dag_run_id}/taskInstances/{task}/xcomEntries/return_value"
    with open_client() as client:
        value = client.get(path).raise_for_status().json()["value"]
    try:
        while isinstance(value, str):  # Airflow may store the text as JSON once more
            value = json.loads(value)
    except ValueError:
        return None
    return value


def dag_schedule_get(dag: str, seconds: float = SECONDS) -> DagSchedule:
    with open_client(seconds) as client:
        answer = client.get(f"/api/v2/dags/{dag}").raise_for_status().json()
    return DagSchedule(bool(answer["is_paused"]), _parse_time(answer.get("next_dagrun_run_after")))


def _parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
