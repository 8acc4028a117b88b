"""The commands of the DAG that publishes recommendations, their order, and what starts it. Airflow runs in a process and a home
of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdp.programs import PUBLISHED_DAY_ASSET, RECOMMEND_DAG
from cdp.settings import REPOSITORY

PROGRAM = """
import importlib.util
from types import SimpleNamespace
def load(name):
    spec = importlib.util.spec_from_file_location(name, f"dags/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
dag = load("recommend").dag
dag.validate()
print("dag", dag.dag_id, dag.max_active_runs, [asset.name for asset in dag.schedule])
for task in dag.tasks:
    for day in (None, "2019-10-31"):
        command = dag.get_template_env().from_string(task.bash_command).render({"params": SimpleNamespace(day=day)})
        print("command", *command.split()[1:])
    print("task", task.task_id, sorted(task.upstream_task_ids), task.trigger_rule.value)
night = load("night")
for each in (night.dag, night.publish_dag):
    print("started by", each.dag_id, [(task.task_id, outlet.name) for task in each.tasks for outlet in task.outlets])
"""


@pytest.mark.subprocess
def test_publishing_follows_a_night_and_does_not_wait_for_success_of_training(tmp_path: Path) -> None:
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )
    lines = [line for line in process.stdout.splitlines() if line.startswith(("dag", "command", "task", "started"))]
    assert sorted(lines) == sorted(
        [
            f"dag {RECOMMEND_DAG} 1 ['{PUBLISHED_DAY_ASSET}']",
            "command recommend train --if-due",
            "command recommend train --if-due --day 2019-10-31",
            "command recommend evaluate --if-due",
            "command recommend evaluate --if-due",
            "command recommend register",
            "command recommend register",
            "command recommend publish",
            "command recommend publish --day 2019-10-31",
            "command recommend results",
            "command recommend results --day 2019-10-31",
            "task train [] all_success",
            "task evaluate ['train'] all_success",
            "task register ['evaluate'] all_success",
            "task publish ['evaluate'] all_done",
            "task results ['publish'] all_done",
            f"started by night [('segments', '{PUBLISHED_DAY_ASSET}')]",
            f"started by publish [('segments', '{PUBLISHED_DAY_ASSET}')]",
        ]
    ), process.stderr
