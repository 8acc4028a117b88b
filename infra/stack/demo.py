"""./run demo: the whole system with a sample history, through the real path. Each step knows whether it was done, so a second
./run demo continues where the first ended or was interrupted."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cdp.settings import REPOSITORY
from infra.stack import lifecycle, programs
from infra.stack.cause import find_cause
from infra.stack.stack import Stack, StackError, open_stack
from infra.stack.tools import say

#: The sample history: 60 days, of which the last is the day before the demo is first started.
HISTORY = ("--days", "60", "--customers", "15000", "--events", "300000", "--seed", "7")
#: The sample shop knows the customers of the history, and every product that has a category.
SHOP = ("--categories", "31", "--products", "9900", "--customers", "15000")
#: What the shop's changes need, and what a person then watches.
SHOP_SERVICES = ("shop-db", "shop-api", "connect")
LIVE_SERVICES = ("live", "shop-visitors")
RECOMMEND_SERVICES = ("recommend",)
STEPS = 9


def run(stack: Stack) -> int:
    from infra.connect import operations  # its drivers would cost every verb a tenth of a second

    began = time.monotonic()
    _print_step("the stack", 1)
    lifecycle.up(stack, ())
    stack = open_stack()  # with the secrets that the first start has made
    lifecycle.up(stack, SHOP_SERVICES)
    _print_step("a sample history of 60 days", 2)
    history = _make_history(stack)
    day = history.stem.removeprefix("history-")
    _print_step("the sample shop, and the connector that carries its changes to Kafka", 3)
    _run_program(stack, programs.SHOP, "init", *SHOP)
    operations.register(stack)
    _print_step("source → Kafka", 4)
    _run_program(stack, programs.LOAD, str(history))
    _print_step("Kafka → HDFS: events, and the tables of the shop", 5)
    _run_program(stack, programs.STREAM, "--once")
    _run_program(stack, programs.STREAM, "shop", "--once", "--or-wait")
    _print_step(f"the night of {day}: aggregates, profiles, publication", 6)
    _run_program(stack, programs.NIGHT, "--day", day)
    _print_step("segments", 7)
    _run_program(stack, programs.SEGMENTS, "refresh")
    _print_step("recommendations: train, test, publish; and the API that serves them", 8)
    _run_program(stack, programs.RECOMMEND, "train", "--day", day)
    _run_program(stack, programs.RECOMMEND, "evaluate")
    _run_program(stack, programs.RECOMMEND, "publish", "--day", day)
    lifecycle.up(stack, RECOMMEND_SERVICES)
    _run_program(stack, programs.RECOMMEND, "register")
    _print_step("visitors in the shop, and the streams that follow them", 9)
    lifecycle.up(stack, LIVE_SERVICES)
    print(f"\nready in {time.monotonic() - began:.0f} s\n")
    print(addresses(stack))
    print(THINGS_TO_TRY.format(web=stack.settings.web_url))
    return 0


THINGS_TO_TRY = """
Five things to try:
  1. {web}/ shows the shop's last 28 days; hover a number for its definition
  2. {web}/live/ shows the visitors of this minute: watch orders come in
  3. {web}/customers/: open one to see all that is known of a customer
  4. {web}/segments/new: build "orders at least 2, or not seen for 30 days" and watch the count
  5. {web}/recommendations/: what the visitors of the shop were recommended, and what they clicked

./run down stops everything and keeps the data; ./run demo starts it again."""


def addresses(stack: Stack) -> str:
    settings = stack.settings
    secrets = stack.secrets_dir
    return "\n".join(
        (
            f"site      {settings.web_url}   login {settings.admin_user}, password: cat {secrets}/admin_password",
            f"airflow   {settings.airflow_url}   login {settings.admin_user}, password: cat {secrets}/airflow_password",
            f"clusters  HDFS {settings.hdfs_http}   Spark {settings.spark_master_http}   history {settings.spark_history_http}",
            f"shop      {settings.shop_api_url}/docs",
            f"lists     recommendations {settings.recommend_url}/docs   models {settings.mlflow_url}",
        )
    )


def _print_step(title: str, number: int) -> None:
    say(f"\n{number}/{STEPS}  {title}")


def _make_history(stack: Stack) -> Path:
    """The sample history, which is generated once. Its name has its last day."""
    folder = stack.state / "demo"
    if existing := sorted(folder.glob("history-????-??-??.parquet")):
        return existing[0]
    folder.mkdir(parents=True, exist_ok=True)
    last_day = datetime.now(UTC).date() - timedelta(days=1)
    unfinished = folder / "unfinished.parquet"
    _generate(stack, unfinished, last_day.isoformat())
    return unfinished.rename(folder / f"history-{last_day}.parquet")


def _run_program(stack: Stack, program: programs.Program, *arguments: str) -> None:
    code = programs.run(stack, program, list(arguments))
    if code:
        raise StackError(f"{program.prog} failed (exit status {code}). Fix the cause shown above, then type ./run demo again.")


def _generate(stack: Stack, path: Path, last_day: str) -> None:
    argv = [sys.executable, "-m", "source_server.generate", "--out", str(path), *HISTORY, "--last-day", last_day]
    result = subprocess.run(argv, env=stack.base_env, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        raise StackError(f"The sample history could not be generated: {find_cause(result.stderr)}")
