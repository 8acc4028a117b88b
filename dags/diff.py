"""The exports of a shop whose database can't be read. Every ten minutes, `./run diff --folder` compares the files in the folder
`CDP_DIFF_FOLDER` with the exports before them and sends the differences. It starts paused: unpause it when exports come.

A run fails if it refuses a file. The file and the reason are in `failed` then, so a retry would change nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from cdp.settings import REPOSITORY

with DAG(
    dag_id="diff",
    description="Sends the differences of the exports in a folder",
    doc_md=__doc__,
    schedule="*/10 * * * *",
    start_date=datetime(2019, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["shop"],
    default_args={"owner": "operations", "retries": 0, "execution_timeout": timedelta(hours=2)},
) as dag:
    BashOperator(task_id="diff", bash_command=f"{REPOSITORY}/run diff --folder", append_env=True)
