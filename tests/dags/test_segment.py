"""The command that Airflow runs for a run of a segment, and who may start it. Airflow runs in a process and a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdp.mart.segment_jobs import DAG
from cdp.settings import REPOSITORY

PROGRAM = """
import importlib.util
from types import SimpleNamespace
spec = importlib.util.spec_from_file_location("segment_dag", "dags/segment.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
dag = module.dag
(task,) = dag.tasks
command = dag.get_template_env().from_string(task.bash_command).render({"params": SimpleNamespace(run=7)})
print("command", *command.split()[1:])
print("dag", dag.dag_id, dag.schedule, dag.is_paused_upon_creation, dag.max_active_runs)
dag.params["run"] = 7
dag.validate()
dag.params.validate()
for wrong in (0, "7; reboot", None):
    try:
        dag.params["run"] = wrong
    except Exception as error:
        print("refused", wrong)
"""


@pytest.mark.subprocess
def test_command_of_the_dag_and_the_runs_that_it_takes(tmp_path: Path) -> None:
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )
    lines = [line for line in process.stdout.splitlines() if line.startswith(("command", "dag", "refused"))]
    assert lines == [
        "command segment-job --run 7",
        f"dag {DAG} None False 1",
        "refused 0",
        "refused 7; reboot",
        "refused None",
    ], process.stderr
