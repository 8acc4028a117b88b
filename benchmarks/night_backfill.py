"""Ten million events of sixty days published by the first night there is, beside Spark counting them and beside DuckDB; the most
memory it takes; and how fast the stores take what it writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb

from benchmarks import mart, night_duckdb
from benchmarks.history import make_history
from benchmarks.night_events import receive
from benchmarks.night_process import NightTook, Peaks, peaks_of, run_night
from benchmarks.night_stores import PEERS
from benchmarks.outcome import Goal, Outcome
from infra.stack.services import spark as spark_service
from infra.stack.stack import Stack
from source_server.generate import LAST_DAY

EVENTS = 10_000_000
LONGEST = 3600


def backfill(stack: Stack, outcome: Outcome, scale: float) -> None:
    path = stack.state / "ten-million.parquet"
    made = make_history(path, round(EVENTS * scale))
    counts = receive(stack, path, LAST_DAY)
    path.unlink()
    outcome.measure("events at once", counts.good, "", f"{len(made.days)} days, {made.customers:,} customers")
    bare = float(re.findall(r"took ([\d.]+) s", _said(stack, "benchmarks.night_bare"))[0])
    night_duckdb.export(stack.settings, path)
    peaks = peaks_of(stack)
    took = run_night(stack, LAST_DAY, peaks)
    _report_night(outcome, took, peaks)
    by_duckdb = _by_duckdb(stack, path, outcome)
    path.unlink()
    outcome.measure("(a) Spark: the events counted by customer and day, into nothing", bare, "s", "the same cores and memory")
    _report_peer(outcome, by_duckdb)
    for peer, seconds in (("(a)", bare), ("(b)", sum(by_duckdb.values()))):
        outcome.measure(f"ours, until it is published / {peer}", took.published / seconds, "times as long")
    _report_stores(outcome, json.loads(_said(stack, "benchmarks.night_stores", str(LAST_DAY), str(stack.state)).splitlines()[-1]))


def _report_night(outcome: Outcome, took: NightTook, peaks: Peaks) -> None:
    outcome.measure("ours: until it is published", took.published, "s", "from its first step to the last")
    outcome.measure("ours: the whole command", took.wall, "s", "with the start of Python and Spark, and compaction")
    for step, seconds in took.steps.items():
        outcome.measure(f"  {step}", seconds, "s")
    for kind, megabytes in sorted(peaks.most.items()):
        outcome.measure(f"most memory: {kind}", megabytes, "MB", "resident, by Linux's own record (VmHWM)")


def _by_duckdb(stack: Stack, path: Path, outcome: Outcome) -> dict[str, float]:
    """Seconds by table. That both count the same is asked as well."""
    with duckdb.connect() as duck:
        took = night_duckdb.tables(duck, path, LAST_DAY)
        theirs = duck.execute("SELECT count(*), sum(orders), sum(revenue) FROM customer_day").fetchone()
    ours = mart.row(stack.settings, "SELECT count(*), sum(orders), sum(revenue) FROM mart.customer_day")
    assert theirs is not None
    off = sum(one != other for one, other in zip(ours, theirs, strict=True))
    outcome.goals.append(Goal("of customers' days, their orders and money: what DuckDB counts otherwise", off, 0, at_least=False))
    return took


def _report_peer(outcome: Outcome, took: dict[str, float]) -> None:
    slowest = sorted(took.items(), key=lambda one: -one[1])[:3]
    note = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in slowest)
    outcome.measure("(b) DuckDB: the same tables from parquet, into memory", sum(took.values()), "s", note)


def _report_stores(outcome: Outcome, found: dict[str, list[float]]) -> None:
    """What was written, and how much of it, in how many seconds, and in how many by the peer."""
    for what, (count, ours, bare) in found.items():
        outcome.measure(f"{what}: ours", count / ours, "a second", f"{count:,} by the night's tasks")
        outcome.measure(f"{what}: {PEERS[what]}", count / bare, "a second")
        outcome.measure(f"{what}: ours / that", bare / ours, "")


def _said(stack: Stack, module: str, *arguments: str) -> str:
    env = stack.base_env | spark_service.build_environment(stack)
    done = subprocess.run([sys.executable, "-m", module, *arguments], env=env, capture_output=True, text=True, timeout=LONGEST)
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stdout[-500:]} {done.stderr[-2000:]}")
    return done.stdout
