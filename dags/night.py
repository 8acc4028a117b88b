"""The night of a day: what came in is drained to HDFS, the day is computed and published, the segments are refreshed.

Each task is the command that a person would type; doing one again is safe. A scheduled run works on the day before it, a
run that is triggered by hand on the day it is given: `{"day": "2019-11-01"}`. The DAG begins paused: unpause it where events
of today come in.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param, RetryDecision, RetryPolicy

from cdp.programs import NIGHT_NEEDS_PERSON, NIGHT_SKIPPED
from cdp.settings import REPOSITORY

DAY = "{{ params.day or macros.ds_add(ds, -1) }}"
#: Over a history that ended, a schedule publishes nothing; the task is then skipped, and the segments with it.
SCHEDULED = "{{ ' --scheduled' if dag_run.run_type == 'scheduled' and not params.day else '' }}"


class UnlessGateClosed(RetryPolicy):
    """What a check has found is not mended by trying again."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        if f"exit code {NIGHT_NEEDS_PERSON}." in str(exception):
            return RetryDecision.fail("a check failed: ./run night --explain")
        return RetryDecision.default()


with DAG(
    dag_id="night",
    doc_md=__doc__,
    # Two hours into the next day (UTC): late events of the evening are in.
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
