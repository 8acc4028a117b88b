"""Recommendations, after a night or a manual publication of a day.

New models are trained and tested only when the last ones are `CDP_RECOMMEND_TRAIN_DAYS` old. The lists of all customers are made
every time. If training or MLflow fails, the lists of the champion are published all the same, and the run counts as failed.

The DAG starts paused: unpause it when Redis has room for the lists (docs/recommendations.md). A manual run may name a published
day: `{"day": "2019-11-01"}`.

Each task runs a `./run` command and can be repeated safely.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset, Param, TriggerRule

from cdp.programs import PUBLISHED_DAY_ASSET, RECOMMEND_DAG
from cdp.settings import REPOSITORY

#: Without a day, each command takes the last published one.
DAY = "{{ ' --day ' ~ params.day if params.day else '' }}"


def run(what: str, options: str = "", rule: TriggerRule = TriggerRule.ALL_SUCCESS) -> BashOperator:
    command = f"{REPOSITORY}/run recommend {what}{options}"
    return BashOperator(task_id=what, bash_command=command, append_env=True, trigger_rule=rule)


with DAG(
    dag_id=RECOMMEND_DAG,
    description="Trains models when they are due, and publishes the lists of all customers",
    doc_md=__doc__,
    schedule=[Asset(PUBLISHED_DAY_ASSET)],
    start_date=datetime(2019, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params={"day": Param(None, type=["null", "string"], format="date", description="a published day; empty: the last one")},
    tags=["recommendations"],
    default_args={
        "owner": "operations", "retries": 1, "retry_delay": timedelta(minutes=1), "execution_timeout": timedelta(hours=3),
    },
) as dag:  # fmt: skip
    evaluate, register = run("evaluate", " --if-due"), run("register")
    publish, results = (run(what, DAY, TriggerRule.ALL_DONE) for what in ("publish", "results"))
    run("train", f" --if-due{DAY}") >> evaluate >> [register, publish]
    publish >> results
