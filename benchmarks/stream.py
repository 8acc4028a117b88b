"""How fast the stream is, from the first message to the last row on HDFS, and what it uses of processor, memory and disk.

Beside it: (a) Spark that parses the same topic's JSON and writes nothing, which is about what Spark costs; (b) a consumer
written by hand; and the stream's previous code, a revision of this repository. All read the same messages from the same broker
with two cores: the streams and (a) on the Spark cluster, (b) in two processes. The time counts from when the program is up until
everything is written. Then both streams read a topic whose messages are all of the harder kind, and the present one is measured
by step.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pyarrow.parquet as pq

from benchmarks.outcome import Goal, Outcome
from benchmarks.stream_messages import HARD_SHARE, MessageSender, create_topic, make_messages
from benchmarks.stream_program import (
    OURS,
    PREVIOUS,
    ProgramRun,
    Workplace,
    count_rows,
    extract_previous,
    make_workplace,
    run_program,
)
from benchmarks.stream_steps import measure_steps
from cdp.events import EVENTS_RAW
from cdp.lake.tables import STREAM_TABLES
from infra.stack.files import FileGroup, holdings
from infra.stack.stack import Stack

EVENTS, HARD_EVENTS = 3_000_000, 300_000
HARD_TOPIC = "bench.hard"
BARE, BY_HAND = "(a) Spark: the same parsing of JSON, writes nothing", "(b) a hand-written consumer: validate, write parquet"
OLD, NEW = f"old: our stream at {PREVIOUS}", "new: parse, quarantine, ledger, Delta on HDFS"


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("stream")
    code = extract_previous(stack)
    messages = send_history(stack, round(EVENTS * scale), EVENTS_RAW.name, HARD_SHARE)
    outcome.measure("messages", messages, "", f"{HARD_SHARE:.0%} of them harder")
    rates = {BARE: _measure_bare(outcome, stack, messages), BY_HAND: _measure_by_hand(outcome, stack, messages)}
    if code:
        _measure_stream(outcome, OLD, make_workplace(stack, "old", code), EVENTS_RAW.name, messages)
    new_place = make_workplace(stack, "new")
    new = _measure_stream(outcome, NEW, new_place, EVENTS_RAW.name, messages)
    create_topic(stack.settings, HARD_TOPIC)
    messages = send_history(stack, round(HARD_EVENTS * scale), HARD_TOPIC, 1.0)
    outcome.measure("all hard: messages", messages, "")
    _measure_stream(outcome, "all hard: new", make_workplace(stack, "new_hard"), HARD_TOPIC, messages)
    if code:
        _measure_stream(outcome, "all hard: old", make_workplace(stack, "old_hard", code), HARD_TOPIC, messages)
    measure_steps(outcome, new_place, EVENTS_RAW.name)
    outcome.goals += [Goal("new / (a)", new / rates[BARE], 0.55), Goal("new / (b)", new / rates[BY_HAND], 0.75)]
    return outcome


def send_history(stack: Stack, events: int, topic: str, hard_share: float) -> int:
    """Send a generated history of about so many events; returns the number of messages."""
    sender, messages = MessageSender(stack.settings, topic), 0
    for lines in make_messages(stack, events, hard_share):
        sender.send(lines)
        messages += len(lines)
    return messages


def _measure_bare(outcome: Outcome, stack: Stack, messages: int) -> float:
    run = run_program(make_workplace(stack, "bare"), "-m", "benchmarks.stream_bare", EVENTS_RAW.name)
    return measure_run(outcome, BARE, run, messages)


def _measure_by_hand(outcome: Outcome, stack: Stack, messages: int) -> float:
    folder = stack.state / "by-hand"
    arguments = ("-m", "benchmarks.stream_by_hand", EVENTS_RAW.name, str(folder))
    rate = measure_run(outcome, BY_HAND, run_program(make_workplace(stack, "by_hand"), *arguments), messages)
    rows = {}
    for table, pattern in (("events", "good-*"), ("quarantine", "bad-*")):
        files = list(folder.glob(pattern))
        rows[table] = sum(pq.read_metadata(file).num_rows for file in files)
        _measure_files(outcome, f"… {table}", FileGroup(len(files), sum(file.stat().st_size for file in files)), rows[table])
    _require_all(BY_HAND, rows, messages)
    return rate


def _measure_stream(outcome: Outcome, what: str, place: Workplace, topic: str, messages: int) -> float:
    rate = measure_run(outcome, what, run_program(place, "-c", OURS, topic), messages)
    rows = count_rows(place)
    for table in holdings(place.stack.settings, [table.name for table in STREAM_TABLES]):
        _measure_files(outcome, f"… {table.name}", table.data, rows[table.name])
    _require_all(what, rows, messages)
    return rate


def measure_run(outcome: Outcome, what: str, run: ProgramRun, messages: int) -> float:
    """Rate, processor time and memory of a program; returns the rate."""
    begin, end = run.span
    rate = messages / (end - begin)
    used = {kind: seconds * 1e6 / messages for kind, seconds in run.times.sum_between(begin, end).items()}
    print(f"{what}: {rate:,.0f} messages/s", file=sys.stderr, flush=True)
    outcome.measure(what, rate, "messages/s")
    outcome.measure("… processor time a message", sum(used.values()), "µs", _list_kinds(used, ".1f"))
    outcome.measure("… most memory (PSS)", sum(run.peaks.values()), "MB", _list_kinds(run.peaks, ",.0f"))
    return rate


def _measure_files(outcome: Outcome, what: str, files: FileGroup, rows: int) -> None:
    note = f"{files.size / 2**20:,.1f} MB, {rows:,} rows, {files.size / max(1, rows):,.0f} bytes a row"
    outcome.measure(f"{what}: files", files.files, "", note)


def _list_kinds(values: Mapping[str, float], style: str) -> str:
    return ", ".join(f"{kind} {value:{style}}" for kind, value in values.items())


def _require_all(what: str, rows: Mapping[str, int], messages: int) -> None:
    if sum(rows.values()) != messages:
        raise RuntimeError(f"{what}: of {messages:,} messages it stored {dict(rows)}")
