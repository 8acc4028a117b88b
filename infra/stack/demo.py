"""./run demo: the whole system with a sample history, through the real path. Each step knows whether it was done, so
that typing it again, also after an interruption, goes on from where it is."""

from __future__ import annotations

import subprocess
import sys
import time

from cdp.settings import REPOSITORY
from infra.stack import lifecycle, programs
from infra.stack.said import why
from infra.stack.stack import Stack, StackError, open_stack
from infra.stack.tools import say

#: The sample history: 60 days that end on this one.
LAST_DAY = "2019-10-31"
HISTORY = ("--days", "60", "--customers", "15000", "--events", "300000", "--seed", "7", "--last-day", LAST_DAY)


def run(stack: Stack) -> int:
    began = time.monotonic()
    _step("the stack", 1)
    lifecycle.up(stack, ())
    stack = open_stack()
    _step("a sample history of 60 days", 2)
    history = _history(stack)
    _step("source → Kafka", 3)
    _program(stack, programs.LOAD, str(history))
    _step("Kafka → HDFS", 4)
    _program(stack, programs.STREAM, "--once")
    _step(f"the night of {LAST_DAY}: aggregates, profiles, publication", 5)
    _program(stack, programs.NIGHT, "--day", LAST_DAY)
    _step("segments", 6)
    _program(stack, programs.SEGMENTS, "refresh")
    print(f"\nready in {time.monotonic() - began:.0f} s\n")
    print(addresses(stack))
    print(THINGS_TO_TRY.format(web=stack.settings.web_url))
    return 0


THINGS_TO_TRY = """
three things to try
  1. {web}/ shows the shop's last 28 days; hover a number for its definition
  2. {web}/customers/ and open one: what is known of a customer
  3. {web}/segments/new: build "orders at least 2, or not seen for 30 days", and watch the count

stop it with ./run down; ./run demo again goes on from where it is"""


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


def _step(what: str, number: int) -> None:
    say(f"\n{number}/6  {what}")


def _history(stack: Stack) -> str:
    """Generated once; the same seed gives the same file."""
    file = stack.state / "demo" / "history.parquet"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_suffix(".new.parquet")
        _call([sys.executable, "-m", "source_server.generate", "--out", str(beside), *HISTORY], stack, "The history")
        beside.rename(file)
    return str(file)


def _program(stack: Stack, program: programs.Program, *arguments: str) -> None:
    code = programs.run(stack, program, list(arguments))
    if code:
        raise StackError(f"{program.prog} ended with {code}; mend what it says above and type ./run demo again.")


def _call(argv: list[str], stack: Stack, what: str) -> None:
    done = subprocess.run(argv, env=stack.base_env, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise StackError(f"{what} failed: {why(done.stderr)}")
