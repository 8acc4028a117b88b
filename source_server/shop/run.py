"""Runs simulations on the shop's database: a history in one go, or live at the pace of people or at a steady rate."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
from tenacity import Retrying, retry_if_exception_type, sleep_using_event, stop_after_delay, stop_when_event_set, wait_fixed

from cdp.errors import first_line
from cdp.settings import Settings
from source_server.history.rhythm import SALE_CROWD, SECONDS_A_DAY, WEEKDAYS, Part, is_sale
from source_server.history.seeds import make_rng
from source_server.shop import choices
from source_server.shop.changes import Transaction
from source_server.shop.database import (
    Connection,
    ShopAway,
    ShopError,
    connect_shop,
    find_last_visit,
    load_world,
    lock_simulation,
)
from source_server.shop.orders import fulfil, start_supply
from source_server.shop.recommendations import Recommender
from source_server.shop.simulator import Clock, Simulation
from source_server.shop.views import EventSender
from source_server.shop.visits import receive_visitors
from source_server.shop.world import World
from source_server.shop.writers import HistoryWriter, LiveWriter

IDS_LIVE, IDS_HISTORY = 20, 5_000
TRANSACTIONS_A_VISIT = 5.0
REPORT_SECONDS = 5.0
AWAY_SECONDS = 120.0  # the longest time for which a live simulation waits for its database
BEHIND_SECONDS = 1.0  # a simulation that is further behind its rate goes on from now, without a burst
Report = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What a simulation did."""

    seconds: float = 0.0
    transactions: int = 0
    events_sent: int = 0  # to Kafka
    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        facts = ", ".join(f"{self.counts[name]:,} {name}" for name in NAMES if self.counts[name])
        sent = f", {self.events_sent:,} events sent" if self.events_sent else ""
        return f"{self.transactions:,} transactions in {self.seconds:.1f} s{sent}: {facts or 'nothing happened'}"


NAMES = ("visits", "orders", "failed payments", "cancelled orders", "refunds", "new customers", "clicks on recommendations")


def make_simulation(world: World, seed: int, pace: choices.Pace, clock: Clock, starts: Iterator[float]) -> Simulation:
    """A simulation in which open orders go on and visitors come at these seconds."""
    simulation = Simulation(world, seed, pace, clock)
    for order in world.unfinished_orders:
        simulation.start(fulfil(simulation, order))
    for product in world.products.values():
        if product.stock < choices.LOW_STOCK or not product.active:
            start_supply(simulation, product)
    simulation.start(receive_visitors(simulation, starts))
    return simulation


# ---------------------------------------------------------------- a history


def simulate_history(settings: Settings, seed: int, visits: int, days: int, now: datetime, sender: EventSender | None) -> Outcome:
    """The last `days` days until now, with about this many visits a day. The shop must not have had visits in them."""
    began = time.monotonic()
    start = datetime(now.year, now.month, now.day, tzinfo=UTC) - timedelta(days=days)
    with connect_shop(settings) as connection:
        lock_simulation(connection)
        last = find_last_visit(connection)
        if last and last > start:
            raise ShopError(
                f"the shop has visits until {last:%Y-%m-%d %H:%M}, too late for this history; ./run shop clear empties it"
            )
        world = load_world(connection, settings.currency, IDS_HISTORY)
        starts = draw_history_starts(seed, start, days, visits)
        simulation = make_simulation(world, seed, choices.REAL, lambda second: start + timedelta(seconds=second), starts)
        writer, outcome = HistoryWriter(connection), Outcome(counts=simulation.counts)
        for _, transaction in simulation.run((now - start).total_seconds()):
            writer.write(transaction)
            _send(sender, transaction, outcome)
            outcome.transactions += bool(transaction.changes)
        writer.finish()
    outcome.seconds = time.monotonic() - began
    return outcome


def draw_history_starts(seed: int, start: datetime, days: int, visits: int) -> Iterator[float]:
    """Seconds at which visits start: more in the evening, on Saturdays and on the day of the sale."""
    for number in range(days + 1):
        day = (start + timedelta(days=number)).date()
        rng = make_rng(seed, "shop visits", day.toordinal())
        crowd = WEEKDAYS[day.weekday()] * (SALE_CROWD if is_sale(day) else 1.0)
        today = int(rng.poisson(visits * crowd))
        for second in sorted(Part(day, 0, 1, today).starts(rng, today).tolist()):
            yield number * SECONDS_A_DAY + float(second)


# ---------------------------------------------------------------- live


@dataclass(slots=True)
class LiveRun:
    """A live simulation. Without a rate, `visits` people come within the time; with one, as many as it takes."""

    settings: Settings
    seed: int
    visits: int
    seconds: float
    rate: float | None
    sender: EventSender | None
    report: Report
    stop: threading.Event
    recommender: Recommender | None = None
    outcome: Outcome = field(default_factory=Outcome)
    began: float = field(default_factory=time.monotonic)
    last_report: float = field(default_factory=time.monotonic)
    nothing_left: bool = False  # all visits are over, and every order has come to its end

    def run(self) -> Outcome:
        """Until the time is over, nothing is left to do or a stop is requested. If the database is away, it waits and goes on
        from what is committed."""
        while not self._is_over():
            try:
                with self._connect() as connection:
                    lock_simulation(connection)
                    self._run_on(connection)
            except psycopg.OperationalError as error:
                self.report(f"the shop's database broke off: {first_line(error)}; waiting for it")
            except ShopAway:
                if not self.stop.is_set():
                    raise
        self.outcome.seconds = time.monotonic() - self.began
        return self.outcome

    def _connect(self) -> Connection:
        retry = Retrying(
            retry=retry_if_exception_type(ShopAway),
            stop=stop_after_delay(AWAY_SECONDS) | stop_when_event_set(self.stop),
            wait=wait_fixed(1),
            sleep=sleep_using_event(self.stop),
            reraise=True,
        )
        return retry(connect_shop, self.settings)

    def _is_over(self) -> bool:
        return self.nothing_left or self.stop.is_set() or self._count_seconds_left() <= 0

    def _count_seconds_left(self) -> float:
        return self.began + self.seconds - time.monotonic()

    def _run_on(self, connection: Connection) -> None:
        """A simulation that begins with what the database holds now."""
        start, writer = time.monotonic(), LiveWriter(connection)
        world = load_world(connection, self.settings.currency, IDS_LIVE)
        starts = self._draw_starts(start - self.began)
        simulation = make_simulation(world, self.seed, choices.QUICK, self._make_clock(), starts)
        simulation.recommender = self.recommender
        simulation.counts.update(self.outcome.counts)
        self.outcome.counts = simulation.counts
        due = start
        for second, transaction in simulation.run():
            if not transaction.changes and not self.sender:
                continue
            due = self._find_due(start, second, due)
            self._wait_until(due)
            if self._is_over():
                return
            writer.write(transaction)
            self.outcome.transactions += bool(transaction.changes)
            _send(self.sender, transaction, self.outcome)
        self.nothing_left = True

    def _wait_until(self, due: float) -> None:
        while True:
            self._report_progress()
            wait = min(due - time.monotonic(), self._count_seconds_left(), REPORT_SECONDS)
            if wait <= 0 or self.stop.wait(wait):
                return

    def _make_clock(self) -> Clock:
        """At a rate, the time is the machine's. At the pace of people, it is when the transaction is due."""
        start = datetime.now(UTC)
        return (lambda _: datetime.now(UTC)) if self.rate else (lambda second: start + timedelta(seconds=second))

    def _draw_starts(self, elapsed: float) -> Iterator[float]:
        rng = Random(f"starts {self.seed}")
        if not self.rate:
            starts = sorted(rng.uniform(0, self.seconds * 0.9) for _ in range(self.visits))
            yield from (start - elapsed for start in starts if start >= elapsed)
        second = 0.0
        while self.rate:
            yield second
            second += rng.expovariate(self.rate / TRANSACTIONS_A_VISIT)

    def _find_due(self, start: float, second: float, before: float) -> float:
        """The moment for a transaction of this second of the simulation; `before` was that of the transaction before it."""
        if not self.rate:
            return start + second
        return max(before + 1 / self.rate, time.monotonic() - BEHIND_SECONDS)

    def _report_progress(self) -> None:
        now = time.monotonic()
        if now - self.last_report < REPORT_SECONDS:
            return
        self.last_report = now
        counts, total = self.outcome.counts, self.outcome.transactions
        rate = total / (now - self.began)
        self.report(f"{total:,} transactions, {rate:.1f} a second, {counts['visits']:,} visits, {counts['orders']:,} orders")


def _send(sender: EventSender | None, transaction: Transaction, outcome: Outcome) -> None:
    if sender and transaction.events:
        sender.send(transaction.events)
        outcome.events_sent += len(transaction.events)
