"""The DAG of the watched folder: its command, which a retry would not change. Airflow runs in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdp.settings import REPOSITORY

PROGRAM = """
import importlib.util
spec = importlib.util.spec_from_file_location("diff_dag", "dags/diff.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
dag = module.dag
dag.validate()
(task,) = dag.tasks
print("dag", dag.dag_id, dag.schedule, dag.is_paused_upon_creation, dag.catchup, dag.max_active_runs)
print("command", *task.bash_command.split()[1:], task.retries, task.append_env)
"""


@pytest.mark.subprocess
def test_command_and_schedule(tmp_path: Path) -> None:
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )
    lines = [line for line in process.stdout.splitlines() if line.startswith(("dag", "command"))]
    assert lines == ["dag diff */10 * * * * None False 1", "command diff --folder 0 True"], process.stderr
