"""A replay of quarantined messages. The site starts it with options of `./run replay`: `{"options": ["--reason", "bad_type"]}`.

The last line of the output, which Airflow keeps as the task's result, is the counts as JSON. Parts of messages are not printed.
The task can be repeated safely: a replay that was cut off is finished first.
"""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

from cdp.programs import REPLAY_DAG
from cdp.settings import REPOSITORY

with DAG(
    dag_id=REPLAY_DAG,
    description="Parses quarantined messages again, unchanged or repaired",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2019, 9, 1, tzinfo=UTC),
    # Each run holds cores of the cluster.
    max_active_runs=1,
    # Without a schedule it does nothing until the site starts it.
    is_paused_upon_creation=False,
    params={"options": Param([], type="array", items={"type": "string"}, description="the options of ./run replay")},
    user_defined_filters={"words": shlex.join},
    tags=["stream", "started by the site"],
    default_args={
        "owner": "operations", "retries": 1, "retry_delay": timedelta(seconds=30), "execution_timeout": timedelta(hours=2),
    },
) as dag:  # fmt: skip
    BashOperator(
        task_id=REPLAY_DAG, bash_command=f"{REPOSITORY}/run replay --json {{{{ params.options | words }}}}", append_env=True
    )
