"""A run of a segment on the cluster. The site triggers it with the number of the run: `{"run": 7}`.

The task can be repeated safely: it computes a run that was cut off again, and leaves one that is done as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

from cdp.mart.segment_jobs import DAG as DAG_ID
from cdp.settings import REPOSITORY

with DAG(
    dag_id=DAG_ID,
    description="Computes the members of one segment on the Spark cluster",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2019, 9, 1, tzinfo=UTC),
    # Each run holds cores of the cluster, and so does the night.
    max_active_runs=1,
    # Without a schedule it does nothing until the site triggers it.
    is_paused_upon_creation=False,
    params={"run": Param(type="integer", minimum=1, description="the number of the run")},
    tags=["segments", "started by the site"],
    default_args={
        "owner": "operations", "retries": 2, "retry_delay": timedelta(seconds=30), "execution_timeout": timedelta(hours=2),
    },
) as dag:  # fmt: skip
    BashOperator(task_id="members", bash_command=f"{REPOSITORY}/run segment-job --run {{{{ params.run }}}}", append_env=True)
