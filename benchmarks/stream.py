"""How fast the stream is, from the first message to the last row on HDFS: ours, next to (a) Spark that parses the same topic's
JSON and writes nothing, which is about what Spark costs, and (b) a consumer written by hand.

All three read the same messages from the same broker with two cores: ours and (a) on the Spark cluster, (b) in two processes.
The time counts from when the program is up until everything is written.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.history import make_history
from benchmarks.outcome import Goal, Outcome
from infra.stack.services.spark import build_environment
from infra.stack.stack import Stack
from source_server.intake import mapping_for, store
from source_server.produce.producer import produce

EVENTS = 3_000_000
PROGRAMS = {
    "(a) Spark: the same parsing of JSON, writes nothing": "benchmarks.stream_bare",
    "(b) a hand-written consumer: validate, write parquet": "benchmarks.stream_by_hand",
    "ours: parse, quarantine, ledger, Delta on HDFS": "benchmarks.stream_ours",
}


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("stream")
    path = stack.state / "bench.parquet"
    make_history(path, round(EVENTS * scale))
    dataset = store.add(stack.settings, path, mapping_for(None))
    produce(stack.settings, dataset.name)
    outcome.measure("messages", dataset.rows, "")
    rates = []
    for what, module in PROGRAMS.items():
        rates.append(dataset.rows / _time_module(stack, module, stack.state / "by-hand"))
        outcome.measure(what, rates[-1], "messages/s")
    bare, by_hand, ours = rates
    outcome.goals += [Goal("ours / (a)", ours / bare, 0.7), Goal("ours / (b)", ours / by_hand, 1.0)]
    return outcome


def _time_module(stack: Stack, module: str, folder: Path) -> float:
    env = stack.base_env | build_environment(stack)
    result = subprocess.run([sys.executable, "-m", module, str(folder)], env=env, capture_output=True, text=True, timeout=1800)
    match = re.search(r"took ([\d.]+) s", result.stdout)
    if result.returncode or match is None:
        raise RuntimeError(f"{module} failed: {result.stdout[-500:]} {result.stderr[-2000:]}")
    return float(match[1])
