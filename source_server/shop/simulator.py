"""The simulation: visits and orders go on side by side, each as a generator that yields the seconds until its next step. What a
step changes is one transaction. The same seed, shop and clock give the same transactions."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from itertools import count
from random import Random

from source_server.shop.changes import Transaction
from source_server.shop.choices import Pace, Regulars, Shelves
from source_server.shop.recommendations import Recommender
from source_server.shop.world import World

#: Yields seconds to wait; what happens between two waits is one transaction.
Process = Generator[float, None, None]
#: The time of a second of the simulation.
Clock = Callable[[float], datetime]


class Simulation:
    """The state that all visits and orders share, and their schedule."""

    def __init__(self, world: World, seed: int, pace: Pace, clock: Clock) -> None:
        self.world = world
        self.pace = pace
        self.rng = Random(f"{seed} {world.orders}")  # so that a second run is not the first one again
        self.shelves = Shelves(world.products.values())
        self.regulars = Regulars(world.customers.values())
        self.recommender: Recommender | None = None
        self.supplies: set[int] = set()  # products that are being delivered to the shop
        self.counts: Counter[str] = Counter()
        self.transaction = Transaction(clock(0.0))
        self._clock = clock
        self._second = 0.0
        self._numbers = count()
        self._schedule: list[tuple[float, int, Process]] = []

    @property
    def now(self) -> datetime:
        return self.transaction.at

    def start(self, process: Process, after: float = 0.0) -> None:
        heapq.heappush(self._schedule, (self._second + after, next(self._numbers), process))

    def run(self, until: float = float("inf")) -> Iterator[tuple[float, Transaction]]:
        """The second and the content of each transaction, in order."""
        while self._schedule and self._schedule[0][0] <= until:
            self._second, _, process = heapq.heappop(self._schedule)
            self.transaction = Transaction(self._clock(self._second))
            wait = next(process, None)
            if wait is not None:
                self.start(process, wait)
            if self.transaction:
                yield self._second, self.transaction
