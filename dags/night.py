"""The night of a day: drains new events to HDFS, computes and publishes the day, and refreshes the segments.

Each task runs a `./run` command and can be repeated safely. A scheduled run publishes the day before it. A manual run publishes
the day in its parameters: `{"day": "2019-11-01"}`. The DAG starts paused: unpause it if events of the current day come in.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param, RetryDecision, RetryPolicy

from cdp.programs import NIGHT_NEEDS_PERSON, NIGHT_SKIPPED
from cdp.settings import REPOSITORY

DAY = "{{ params.day or macros.ds_add(ds, -1) }}"
#: If the events have ended, a scheduled night publishes nothing, and Airflow skips this task and the segments.
SCHEDULED = "{{ ' --scheduled' if dag_run.run_type == 'scheduled' and not params.day else '' }}"


class UnlessGateClosed(RetryPolicy):
    """Retrying does not help when a check has failed."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        if f"exit code {NIGHT_NEEDS_PERSON}." in str(exception):
            return RetryDecision.fail("a check failed: ./run night --explain")
        return RetryDecision.default()


with DAG(
    dag_id="night",
    doc_md=__doc__,
    # Two hours after the end of the day (UTC), so that late events of the evening have arrived.
    schedule="0 2 * * *",
    start_date=datetime(2019, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params={"day": Param(None, type=["null", "string"], format="date", description="the day to publish; empty: yesterday")},
    tags=["night"],
    default_args={"retries": 1, "retry_delay": timedelta(minutes=1), "execution_timeout": timedelta(hours=2)},
) as dag:
    run = f"{REPOSITORY}/run"
    stream = BashOperator(task_id="stream", bash_command=f"{run} stream --once --or-wait", append_env=True)
    night = BashOperator(
        task_id="night",
        bash_command=f"{run} night --day {DAY}{SCHEDULED}",
        append_env=True,
        retry_policy=UnlessGateClosed(),
        skip_on_exit_code=NIGHT_SKIPPED,
    )
    segments = BashOperator(task_id="segments", bash_command=f"{run} segments refresh --day {DAY}", append_env=True)

    stream >> night >> segments
