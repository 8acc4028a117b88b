"""When customers visit: hours of the day, days of the week, the yearly sale, and slow growth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from source_server.history.customers import SIZE_DAYS
from source_server.history.seeds import Ints, make_rng

SECONDS_A_DAY = 86_400
#: Visits by hour, UTC: they rise around noon and peak in the evening.
HOURS = (3, 2, 2, 3, 5, 7, 9, 10, 11, 11, 11, 11, 11, 11, 12, 13, 14, 15, 15, 14, 12, 9, 6, 4)
#: Monday to Sunday.
WEEKDAYS = (0.94, 0.92, 0.94, 0.97, 1.03, 1.12, 1.08)
#: The sale comes once a year, on the tenth of October.
SALE = (10, 10)
SALE_CROWD = 2.2
GROWTH_A_DAY = 0.002
NOISE = 0.04
#: Larger days are made in parts of about this many events, to limit memory.
PART_EVENTS = 80_000
_SO_FAR = np.concatenate([[0.0], np.cumsum(HOURS) / sum(HOURS)])
_CLOCK = np.arange(25) * 3600.0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a day, and the number of visits that start in it."""

    day: date
    number: int
    parts: int
    visits: int

    @property
    def end(self) -> int:
        """The second of the day at which the next part starts."""
        return int(np.interp((self.number + 1) / self.parts, _SO_FAR, _CLOCK))

    def starts(self, rng: np.random.Generator, visits: int) -> Ints:
        """Draw the seconds of the day at which visits of this part start."""
        return np.interp((self.number + rng.random(visits)) / self.parts, _SO_FAR, _CLOCK).astype(np.int64)


def is_sale(day: date) -> bool:
    return (day.month, day.day) == SALE


def divide_day(seed: int, first_day: date, day: date, visits: float, length: float) -> list[Part]:
    """The parts of a day. The shop has `visits` visits of `length` events in SIZE_DAYS days."""
    noise = 1 + NOISE * make_rng(seed, "noise", day.toordinal()).standard_normal()
    today = round(visits * _crowd(first_day, day) / _crowds(first_day) * max(0.5, noise))
    parts = 1 + int(today * length) // PART_EVENTS
    bounds = [today * number // parts for number in range(parts + 1)]
    return [Part(day, number, parts, bounds[number + 1] - bounds[number]) for number in range(parts)]


def _crowds(first_day: date) -> float:
    return sum(_crowd(first_day, first_day + timedelta(days=number)) for number in range(SIZE_DAYS))


def _crowd(first_day: date, day: date) -> float:
    growth = max(0.1, 1 + GROWTH_A_DAY * ((day - first_day).days - SIZE_DAYS / 2))
    return WEEKDAYS[day.weekday()] * growth * (SALE_CROWD if is_sale(day) else 1.0)
