"""./run demo: the whole system with a sample history, through the real path. Each step knows whether it was done, so a second
./run demo continues where the first ended or was interrupted."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from cdp.settings import REPOSITORY
from infra.stack import lifecycle, programs
from infra.stack.cause import find_cause
from infra.stack.stack import Stack, StackError, open_stack
from infra.stack.tools import say

#: The sample history: 60 days, of which this is the last.
LAST_DAY = "2019-10-31"
HISTORY = ("--days", "60", "--customers", "15000", "--events", "300000", "--seed", "7", "--last-day", LAST_DAY)


def run(stack: Stack) -> int:
    began = time.monotonic()
    _print_step("the stack", 1)
    lifecycle.up(stack, ())
    stack = open_stack()
    _print_step("a sample history of 60 days", 2)
    history = _make_history(stack)
    _print_step("source → Kafka", 3)
    _run_program(stack, programs.LOAD, str(history))
    _print_step("Kafka → HDFS", 4)
    _run_program(stack, programs.STREAM, "--once")
    _print_step(f"the night of {LAST_DAY}: aggregates, profiles, publication", 5)
    _run_program(stack, programs.NIGHT, "--day", LAST_DAY)
    _print_step("segments", 6)
    _run_program(stack, programs.SEGMENTS, "refresh")
    print(f"\nready in {time.monotonic() - began:.0f} s\n")
    print(addresses(stack))
    print(THINGS_TO_TRY.format(web=stack.settings.web_url))
    return 0


THINGS_TO_TRY = """
Three things to try:
  1. {web}/ shows the shop's last 28 days; hover a number for its definition
  2. {web}/customers/: open one to see all that is known of a customer
  3. {web}/segments/new: build "orders at least 2, or not seen for 30 days" and watch the count

./run down stops everything and keeps the data; ./run demo starts it again."""


def addresses(stack: Stack) -> str:
    settings = stack.settings
    secrets = stack.secrets_dir
    return "\n".join(
        (
            f"site      {settings.web_url}   login {settings.admin_user}, password: cat {secrets}/admin_password",
            f"airflow   {settings.airflow_url}   login {settings.admin_user}, password: cat {secrets}/airflow_password",
            f"clusters  HDFS {settings.hdfs_http}   Spark {settings.spark_master_http}   history {settings.spark_history_http}",
        )
    )


def _print_step(title: str, number: int) -> None:
    say(f"\n{number}/6  {title}")


def _make_history(stack: Stack) -> str:
    """The path of the sample history, which is generated once; the same seed gives the same file."""
    file = stack.state / "demo" / "history.parquet"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".new.parquet")
        _generate(stack, unfinished)
        unfinished.rename(file)
    return str(file)


def _run_program(stack: Stack, program: programs.Program, *arguments: str) -> None:
    code = programs.run(stack, program, list(arguments))
    if code:
        raise StackError(f"{program.prog} failed (exit status {code}). Fix the cause shown above, then type ./run demo again.")


def _generate(stack: Stack, path: Path) -> None:
    argv = [sys.executable, "-m", "source_server.generate", "--out", str(path), *HISTORY]
    result = subprocess.run(argv, env=stack.base_env, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        raise StackError(f"The sample history could not be generated: {find_cause(result.stderr)}")
