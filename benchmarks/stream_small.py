"""What few messages cost: `./run stream --once` with 100 messages, and batches of 100 messages in a stream that runs, of our
stream and of its previous code.

A start is everything from the command to its end: Python, the JVM, the session and the batch. The first start makes the tables
too. The stream that runs has all messages in Kafka and takes 100 in each batch, without a pause, so no batch contains waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from statistics import median

from benchmarks.outcome import Outcome
from benchmarks.stream_messages import HARD_SHARE, MessageSender, make_messages
from benchmarks.stream_program import ProgramRun, Workplace, extract_previous, make_workplace, run_program
from cdp.events import EVENTS_RAW
from infra.stack.stack import Stack

MESSAGES_A_BATCH = 100
STARTS, BATCHES = 5, 100
#: The share of the batches after which the JVM has compiled most of what a batch runs.
WARM_AFTER = 0.4
ONCE = ("-m", "streaming", "--once")


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("stream-small")
    code, batches = extract_previous(stack), max(10, round(BATCHES * scale))
    places = {"old": make_workplace(stack, "old", code)} if code else {}
    places["new"] = make_workplace(stack, "new")
    sender = MessageSender(stack.settings, EVENTS_RAW.name)
    messages = chain.from_iterable(make_messages(stack, 2 * MESSAGES_A_BATCH * (STARTS + batches), HARD_SHARE))
    starts = [_start_all(places, sender, messages) for _ in range(STARTS)]
    sender.send(list(islice(messages, batches * MESSAGES_A_BATCH)))
    for name, place in places.items():
        first, *others = [start[name] for start in starts]
        _measure_starts(outcome, f"{name}: the first start, which makes the tables", [first])
        _measure_starts(outcome, f"{name}: a start with {MESSAGES_A_BATCH} messages, median of {len(others)}", others)
        _measure_batches(outcome, name, run_program(place, *ONCE, CDP_STREAM_BATCH_MESSAGES=str(MESSAGES_A_BATCH)))
    return outcome


def _start_all(places: dict[str, Workplace], sender: MessageSender, messages: Iterator[bytes]) -> dict[str, ProgramRun]:
    """Send 100 messages and start each stream once, which reads just these."""
    sender.send(list(islice(messages, MESSAGES_A_BATCH)))
    return {name: run_program(place, *ONCE) for name, place in places.items()}


def _measure_starts(outcome: Outcome, what: str, runs: list[ProgramRun]) -> None:
    processor = [sum(run.times.sum_between(run.started, run.ended).values()) for run in runs]
    outcome.measure(what, median(run.ended - run.started for run in runs), "s")
    outcome.measure("… processor time", median(processor), "s")
    outcome.measure("… most memory (PSS)", median(sum(run.peaks.values()) for run in runs), "MB")


def _measure_batches(outcome: Outcome, name: str, run: ProgramRun) -> None:
    ends = [line.at for line in run.lines if line.text.startswith("stream: batch ")]
    warm = ends[round(len(ends) * WARM_AFTER) :]
    batches = len(warm) - 1
    processor = sum(run.times.sum_between(warm[0], warm[-1]).values())
    outcome.measure(f"{name}: a batch of {MESSAGES_A_BATCH} messages", (warm[-1] - warm[0]) / batches, "s", f"mean of {batches}")
    outcome.measure("… processor time", processor / batches, "s")
