"""When Airflow starts the next night."""

from __future__ import annotations

from typing import Any

from cdp.programs import NIGHT_DAG
from cdp_web.serving.airflow import AirflowUnavailable, dag_schedule_get

SECONDS = 3


def schedule_read() -> dict[str, Any]:
    """`error` if Airflow does not answer or has no such DAG."""
    try:
        schedule = dag_schedule_get(NIGHT_DAG, SECONDS)
    except AirflowUnavailable as error:
        return {"error": error.says}
    return {"is_paused": schedule.is_paused, "next_at": schedule.next_at and schedule.next_at.isoformat()}
