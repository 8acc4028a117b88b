"""The command that Airflow runs for a replay, and what it keeps of the output. Airflow runs in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdp.programs import REPLAY_DAG
from cdp.settings import REPOSITORY

PROGRAM = """
import importlib.util, shlex
from types import SimpleNamespace
from airflow.providers.standard.operators.bash import BashOperator
spec = importlib.util.spec_from_file_location("replay_dag", "dags/replay.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
dag = module.dag
(task,) = dag.tasks
print("dag", dag.dag_id, task.task_id, dag.schedule, dag.is_paused_upon_creation, dag.max_active_runs)
params = SimpleNamespace(options=["--map", "price:19,99=it's $(reboot)", "--dry-run"])
words = shlex.split(dag.get_template_env().from_string(task.bash_command).render({"params": params}))
print("command", *words[1:], sep="|")
kept = BashOperator(task_id="echo", bash_command="echo noise; echo '{}'", do_xcom_push=task.do_xcom_push).execute({})
print("kept", kept)
"""


@pytest.mark.subprocess
def test_command_of_the_dag_and_the_result_that_airflow_keeps(tmp_path: Path) -> None:
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )
    lines = [line for line in process.stdout.splitlines() if line.startswith(("dag", "command", "kept"))]
    assert lines == [
        f"dag {REPLAY_DAG} {REPLAY_DAG} None False 1",
        "command|replay|--json|--map|price:19,99=it's $(reboot)|--dry-run",
        "kept {}",
    ], process.stderr
