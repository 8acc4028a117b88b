"""The command that Airflow runs for a night, and what it does after each exit status. Airflow runs in a process and a home of its
own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdp.programs import NIGHT_NEEDS_PERSON, NIGHT_SKIPPED
from cdp.settings import REPOSITORY

PROGRAM = """
import importlib.util, shlex, sys
from types import SimpleNamespace
from airflow.exceptions import AirflowSkipException
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk.execution_time import macros
from airflow.utils.types import DagRunType
spec = importlib.util.spec_from_file_location("night_dag", "dags/night.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
task = module.dag.get_task("night")
policy = task.retry_policy
for kind, day in (("SCHEDULED", None), ("MANUAL", None), ("MANUAL", "2019-10-31"), ("SCHEDULED", "2019-10-31")):
    run = SimpleNamespace(run_type=DagRunType[kind])
    context = {"params": SimpleNamespace(day=day), "ds": "2019-11-02", "macros": macros, "dag_run": run}
    command = module.dag.get_template_env().from_string(task.bash_command).render(context)
    print("command", *command.split()[1:])
publish = module.publish_dag
print("publish", publish.schedule, publish.is_paused_upon_creation)
render = publish.get_template_env().from_string(publish.get_task("night").bash_command).render
for accept in ([], ["volume", "money"]):
    params = SimpleNamespace(day="2019-10-31", accept=accept, why="it's; reboot", who="anna b")
    print("publish", *shlex.split(render({"params": params}))[1:], sep="|")
for status in sys.argv[1:]:
    try:
        BashOperator(task_id="night", bash_command=f"exit {status}", skip_on_exit_code=task.skip_on_exit_code).execute({})
    except AirflowSkipException:
        print("decision", status, "skipped")
    except Exception as error:
        print("decision", status, policy.evaluate(error, 1, 1).action.value)
"""


@pytest.mark.subprocess
def test_command_of_the_dag_and_its_decision_per_exit_status(tmp_path: Path) -> None:
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    statuses = ["1", str(NIGHT_NEEDS_PERSON), str(NIGHT_SKIPPED), "30"]
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, *statuses], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )
    decisions = [line.split()[1:] for line in process.stdout.splitlines() if line.startswith("decision")]
    assert decisions == [["1", "default"], ["3", "fail"], ["99", "skipped"], ["30", "default"]], process.stderr
    commands = [line.split(maxsplit=1)[1] for line in process.stdout.splitlines() if line.startswith("command")]
    assert commands == [
        "night --day 2019-11-01 --scheduled",
        "night --day 2019-11-01",
        "night --day 2019-10-31",
        "night --day 2019-10-31",
    ]
    publish = [line.removeprefix("publish").strip("| ") for line in process.stdout.splitlines() if line.startswith("publish")]
    assert publish == [
        "None False",
        "night|--day|2019-10-31",
        "night|--day|2019-10-31|--accept|volume|money|--why|it's; reboot|--who|anna b",
    ]
