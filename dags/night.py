"""The nights of the shop.

`night` drains new events to HDFS, computes and publishes the day before, and refreshes the segments. It starts paused: unpause it
when events of the current day come in. A manual run publishes the day in its parameters: `{"day": "2019-11-01"}`.

`publish` publishes one day by hand. It has no schedule, so starting it never unpauses the nights. The site starts it when an
administrator accepts a failed check: `{"day": "2019-11-01", "accept": ["volume"], "why": "a holiday", "who": "anna"}`.

After both, the DAG `recommend` publishes recommendations.

Each task runs a `./run` command and can be repeated safely.
"""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset, Param, RetryDecision, RetryPolicy

from cdp.programs import NIGHT_DAG, NIGHT_HOUR, NIGHT_NEEDS_PERSON, NIGHT_SKIPPED, PUBLISH_DAG, PUBLISHED_DAY_ASSET
from cdp.settings import REPOSITORY

RUN = f"{REPOSITORY}/run"
DAY = "{{ params.day or macros.ds_add(ds, -1) }}"
#: If the events have ended, a scheduled night publishes nothing, and Airflow skips this task and the segments.
SCHEDULED = "{{ ' --scheduled' if dag_run.run_type == 'scheduled' and not params.day else '' }}"
ACCEPTED = (
    "{% if params.accept %} --accept {{ params.accept | words }}"
    " --why {{ [params.why] | words }} --who {{ [params.who] | words }}{% endif %}"
)
ARGUMENTS: dict[str, Any] = {"retries": 1, "retry_delay": timedelta(minutes=1), "execution_timeout": timedelta(hours=2)}
START = datetime(2019, 9, 1, tzinfo=UTC)


class UnlessGateClosed(RetryPolicy):
    """Retrying does not help when a check has failed."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        if f"exit code {NIGHT_NEEDS_PERSON}." in str(exception):
            return RetryDecision.fail("a check failed: ./run night --explain")
        return RetryDecision.default()


def make_night(arguments: str) -> BashOperator:
    return BashOperator(
        task_id="night",
        bash_command=f"{RUN} night {arguments}",
        append_env=True,
        retry_policy=UnlessGateClosed(),
        skip_on_exit_code=NIGHT_SKIPPED,
    )


def make_refresh(day: str) -> BashOperator:
    """The last task of a night: when it succeeds, the DAG `recommend` starts."""
    command = f"{RUN} segments refresh --day {day}"
    return BashOperator(task_id="segments", bash_command=command, append_env=True, outlets=[Asset(PUBLISHED_DAY_ASSET)])


with DAG(
    dag_id=NIGHT_DAG,
    description="Publishes the day before and refreshes the segments, if all checks pass",
    doc_md=__doc__,
    schedule=f"0 {NIGHT_HOUR} * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    params={"day": Param(None, type=["null", "string"], format="date", description="the day to publish; empty: yesterday")},
    tags=["nights"],
    default_args=ARGUMENTS | {"owner": "operations"},
) as dag:
    stream = BashOperator(task_id="stream", bash_command=f"{RUN} stream --once --or-wait", append_env=True)
    stream >> make_night(f"--day {DAY}{SCHEDULED}") >> make_refresh(DAY)

with DAG(
    dag_id=PUBLISH_DAG,
    description="Publishes one day by hand, with failed checks accepted on record",
    doc_md=__doc__,
    schedule=None,
    start_date=START,
    max_active_runs=1,
    # Without a schedule it does nothing until somebody starts it.
    is_paused_upon_creation=False,
    params={
        "day": Param(type="string", format="date", description="the day to publish"),
        "accept": Param([], type="array", items={"type": "string", "pattern": "^[a-z]+$"}, description="checks that may fail"),
        "why": Param("", type="string", maxLength=500, description="the reason, visible to everybody"),
        "who": Param("", type="string", maxLength=150, description="who accepts"),
    },
    user_defined_filters={"words": shlex.join},
    tags=["nights", "started by the site"],
    default_args=ARGUMENTS | {"owner": "operations"},
) as publish_dag:
    make_night(f"--day {{{{ params.day }}}}{ACCEPTED}") >> make_refresh("{{ params.day }}")
