"""The first night publishes ten million events of sixty days: its time next to Spark that only counts them and next to DuckDB,
its peak memory, and the speed at which the stores take its rows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb

from benchmarks import mart, night_duckdb
from benchmarks.history import make_history
from benchmarks.night_events import receive_history
from benchmarks.night_process import NightTimes, PeakMemory, run_night, watch_memory
from benchmarks.night_stores import PEERS
from benchmarks.outcome import Goal, Outcome
from infra.stack.services import spark as spark_service
from infra.stack.stack import Stack
from source_server.generate import LAST_DAY

EVENTS = 10_000_000
LONGEST = 3600


def backfill(stack: Stack, outcome: Outcome, scale: float) -> None:
    path = stack.state / "ten-million.parquet"
    summary = make_history(path, round(EVENTS * scale))
    counts = receive_history(stack, path, LAST_DAY)
    path.unlink()
    outcome.measure("events at once", counts.good, "", f"{len(summary.days)} days, {summary.customers:,} customers")
    bare = float(re.findall(r"took ([\d.]+) s", _run_module(stack, "benchmarks.night_bare"))[0])
    night_duckdb.export(stack.settings, path)
    peaks = watch_memory(stack)
    times = run_night(stack, LAST_DAY, peaks)
    _report_night(outcome, times, peaks)
    by_duckdb = _run_duckdb(stack, path, outcome)
    path.unlink()
    outcome.measure("(a) Spark: counts events by customer and day, writes nothing", bare, "s", "the same cores and memory")
    _report_peer(outcome, by_duckdb)
    for peer, seconds in (("(a)", bare), ("(b)", sum(by_duckdb.values()))):
        outcome.measure(f"ours, until it is published / {peer}", times.published / seconds, "times as long")
    _report_stores(
        outcome, json.loads(_run_module(stack, "benchmarks.night_stores", str(LAST_DAY), str(stack.state)).splitlines()[-1])
    )


def _report_night(outcome: Outcome, times: NightTimes, peaks: PeakMemory) -> None:
    outcome.measure("ours: until it is published", times.published, "s", "from its first step to the publication")
    outcome.measure("ours: the whole command", times.wall, "s", "including the start of Python and Spark, and compaction")
    for step, seconds in times.steps.items():
        outcome.measure(f"  {step}", seconds, "s")
    for kind, megabytes in sorted(peaks.most.items()):
        outcome.measure(f"peak memory: {kind}", megabytes, "MB", "resident, from Linux (VmHWM)")


def _run_duckdb(stack: Stack, path: Path, outcome: Outcome) -> dict[str, float]:
    """Seconds by table. A goal compares the numbers of both."""
    with duckdb.connect() as duck:
        seconds = night_duckdb.make_tables(duck, path, LAST_DAY)
        theirs = duck.execute("SELECT count(*), sum(orders), sum(revenue) FROM customer_day").fetchone()
    ours = mart.read_row(stack.settings, "SELECT count(*), sum(orders), sum(revenue) FROM mart.customer_day")
    assert theirs is not None
    differences = sum(one != other for one, other in zip(ours, theirs, strict=True))
    outcome.goals.append(
        Goal("totals of customer_day (rows, orders, money) that DuckDB computes differently", differences, 0, at_least=False)
    )
    return seconds


def _report_peer(outcome: Outcome, seconds: dict[str, float]) -> None:
    slowest = sorted(seconds.items(), key=lambda item: -item[1])[:3]
    note = ", ".join(f"{name} {duration:.1f} s" for name, duration in slowest)
    outcome.measure("(b) DuckDB: the same tables from parquet, into memory", sum(seconds.values()), "s", note)


def _report_stores(outcome: Outcome, times: dict[str, list[float]]) -> None:
    """For each kind of rows: their number, the seconds of the night, and the seconds of the peer."""
    for what, (count, ours, bare) in times.items():
        outcome.measure(f"{what}: ours", count / ours, "a second", f"{count:,}, written by the night's tasks")
        outcome.measure(f"{what}: {PEERS[what]}", count / bare, "a second")
        outcome.measure(f"{what}: ours / that", bare / ours, "")


def _run_module(stack: Stack, module: str, *arguments: str) -> str:
    env = stack.base_env | spark_service.build_environment(stack)
    result = subprocess.run([sys.executable, "-m", module, *arguments], env=env, capture_output=True, text=True, timeout=LONGEST)
    if result.returncode:
        raise RuntimeError(f"{module} failed: {result.stdout[-500:]} {result.stderr[-2000:]}")
    return result.stdout
