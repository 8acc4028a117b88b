"""What Airflow makes of a night's exit status. Airflow is asked in a process and a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdp.programs import NIGHT_NEEDS_PERSON
from cdp.settings import REPOSITORY

ASK = """
import importlib.util, sys
from airflow.providers.standard.operators.bash import BashOperator
spec = importlib.util.spec_from_file_location("night_dag", "dags/night.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
policy = module.dag.get_task("night").retry_policy
for status in sys.argv[1:]:
    try:
        BashOperator(task_id="night", bash_command=f"exit {status}").execute({})
    except Exception as error:
        print("decided", status, policy.evaluate(error, 1, 1).action.value)
"""


@pytest.mark.subprocess
def test_closed_gate_is_not_tried_again_and_every_other_failure_is(tmp_path: Path) -> None:
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    statuses = ["1", str(NIGHT_NEEDS_PERSON), "30"]
    done = subprocess.run(
        [sys.executable, "-c", ASK, *statuses], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )
    decided = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("decided")]
    assert decided == [["1", "default"], ["3", "fail"], ["30", "default"]], done.stderr
