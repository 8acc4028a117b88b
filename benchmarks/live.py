"""The stream "live": the highest rate at which its lag stays flat, beside a hand-written consumer; how old its numbers are; and
what ten times the customers cost.

A rate is sent for half a minute, then a higher one, until the lag grows. The highest rate at which it did not is then sent for
five minutes; if the lag grows, the next lower one. Lag is the time from the sending of an event until it is in the numbers.
"""

from __future__ import annotations

import sys
from statistics import median, quantiles

from benchmarks.live_trial import LiveProgram, Trial
from benchmarks.outcome import Goal, Outcome
from benchmarks.stream_messages import create_topic
from benchmarks.stream_program import make_workplace
from infra.stack.stack import Stack

NEEDS = (
    "kafka", "namenode", "datanode1", "datanode2", "spark-master", "spark-worker", "spark-history", "postgres", "redis",
)  # fmt: skip
OURS, BY_HAND = "benchmarks.live_ours", "benchmarks.live_by_hand"
CUSTOMERS = 10_000
FIRST_RATE, STEP = 500.0, 1.3
LOW_RATE, STEADY_RATE = 20.0, 500.0
#: Seconds, at a scale of 1.
TRY, HOLD, LOW, STEADY = 30.0, 300.0, 120.0, 120.0
SHORTEST = 10.0


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("live")
    rates = {}
    for title, module in (("ours", OURS), ("hand-written, in memory, stores nothing", BY_HAND)):
        with _start(stack, module, module.rpartition("_")[2]) as program:
            _measure_ages(outcome, title, program.hold(LOW_RATE, _last(LOW, scale), CUSTOMERS))
            held = find_highest(program, scale)
            rates[module] = held.rate
            outcome.measure(f"{title}: highest rate with a flat lag", held.rate, "events/s", f"for {held.seconds:.0f} s")
            _measure_ages(outcome, f"{title}, at that rate", held)
    outcome.measure("ours / hand-written", rates[OURS] / rates[BY_HAND], "")
    _measure_growth(outcome, stack, scale)
    return outcome


def _start(stack: Stack, module: str, name: str) -> LiveProgram:
    topic = f"bench.live.{name}"
    create_topic(stack.settings, topic)
    return LiveProgram(make_workplace(stack, f"live_{name}"), module, topic)


def _last(seconds: float, scale: float) -> float:
    return max(SHORTEST, seconds * scale)


def find_highest(program: LiveProgram, scale: float) -> Trial:
    rate = FIRST_RATE
    while _hold(program, rate, _last(TRY, scale)).is_flat:
        rate *= STEP
    while True:
        rate /= STEP
        held = _hold(program, rate, _last(HOLD, scale))
        if held.is_flat:
            return held


def _hold(program: LiveProgram, rate: float, seconds: float) -> Trial:
    held = program.hold(rate, seconds, CUSTOMERS)
    print(f"{rate:,.0f} events/s for {seconds:.0f} s: lag grows by {held.growth:.3f} s/s", file=sys.stderr, flush=True)
    return held


def _measure_ages(outcome: Outcome, title: str, held: Trial) -> None:
    ages = held.ages
    note = f"{held.rate:,.0f} events/s; p95 {quantiles(ages, n=20)[-1]:.1f} s"
    outcome.measure(f"{title}: from Kafka to the numbers, p50", median(ages), "s", note)


def _measure_growth(outcome: Outcome, stack: Stack, scale: float) -> None:
    """The same rate with ten times the customers: the state holds ids of events, not customers."""
    ids, milliseconds = [], []
    for customers in (CUSTOMERS, 10 * CUSTOMERS):
        with _start(stack, OURS, f"customers{customers}") as program:
            program.hold(STEADY_RATE, _last(TRY, scale), customers)  # the first batches start Python and compile
            held = program.hold(STEADY_RATE, _last(STEADY, scale), customers)
        later = [batch.values for batch in held.batches[len(held.batches) // 2 :]]
        ids.append(later[-1]["ids"])
        milliseconds.append(median(values["milliseconds"] for values in later))
        title = f"{customers:,} customers, {STEADY_RATE:,.0f} events/s"
        note = f"{later[-1]['state_bytes'] / 2**20:.1f} MB in RocksDB"
        outcome.measure(f"{title}: ids in the state", ids[-1], "", note)
        outcome.measure(f"{title}: a batch", milliseconds[-1] / 1000, "s", "median of the second half")
    for what, (few, many), bound in (("ids in the state", ids, 1.1), ("time of a batch", milliseconds, 1.5)):
        outcome.goals.append(Goal(f"{what}, ten times the customers / once", many / few, bound, at_least=False))
