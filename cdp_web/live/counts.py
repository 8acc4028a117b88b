"""What takes longest to count: distinct customers and the ranking of all products. With a million rows that is a fifth of a
second, so a thread counts while the page shows the counts of some seconds before."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from cdp.mart.live_windows import (
    FUNNEL_MINUTES,
    Funnel,
    RankedThing,
    last_minutes,
    read_funnel,
    read_ranking,
    read_visitors,
)

HOUR = 60
VISITOR_MINUTES = 5
PRODUCTS_SHOWN = 8
#: Counts older than this are counted again while the page shows them.
AGE = timedelta(seconds=4)
#: Counts older than this are not shown: nobody has looked at the page for a while.
KEEP_SECONDS = 10
_KEY = "live-counts"
_counting = threading.Lock()


@dataclass(frozen=True, slots=True)
class Counts:
    """All but the funnel are of whole minutes."""

    visitors: int
    visitors_before: int
    funnel: Funnel
    products: Sequence[RankedThing]


def counts_get() -> Counts:
    """The counts of the last seconds; of all requests to this process, one starts the next count."""
    known: tuple[datetime, Counts] | None = cache.get(_KEY)
    if known is None:
        return _count_again()
    counted_at, counts = known
    if timezone.now() - counted_at > AGE and _counting.acquire(blocking=False):
        threading.Thread(target=_count_behind, daemon=True).start()
    return counts


def counts_read(now: datetime) -> Counts:
    whole = now - timedelta(minutes=1)
    visits = last_minutes(VISITOR_MINUTES, whole)
    with connection.cursor() as cursor:
        return Counts(
            read_visitors(cursor, visits),
            read_visitors(cursor, visits.before),
            read_funnel(cursor, last_minutes(FUNNEL_MINUTES, now)),
            read_ranking(cursor, last_minutes(HOUR, whole), "product", "revenue", limit=PRODUCTS_SHOWN),
        )


def _count_behind() -> None:
    try:
        _count_again()
    finally:
        _counting.release()
        connection.close()  # this thread's own


def _count_again() -> Counts:
    now = timezone.now()
    counts = counts_read(now)
    cache.set(_KEY, (now, counts), KEEP_SECONDS)
    return counts
