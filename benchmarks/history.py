"""The generated history that benchmarks use, and the messages that the source makes of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from cdp.settings import Settings
from source_server.generate import DAYS, LAST_DAY, write_history
from source_server.history.dirt import MAX_LATE_DAYS
from source_server.history.seeds import SEED
from source_server.history.shop import Shop
from source_server.history.summary import Summary
from source_server.http import pages
from source_server.intake.store import Dataset

EVENTS_A_CUSTOMER = 20
PAGE_ROWS = 50_000


def make_history(path: Path, events: int, days: int = DAYS) -> Summary:
    """Write about so many events over so many days; returns the generator's summary."""
    first = LAST_DAY - timedelta(days=days - 1)
    in_sixty_days = events * DAYS // days  # Shop takes the number of events of sixty days
    shop = Shop(SEED, first, max(1, events // EVENTS_A_CUSTOMER), in_sixty_days)
    return write_history(shop, first, LAST_DAY, path, os.cpu_count() or 1)


def make_day(path: Path, events: int) -> Summary:
    """Write what arrives on one day: about so many events, including late ones of the days before."""
    shop = Shop(SEED, LAST_DAY - timedelta(days=MAX_LATE_DAYS), max(1, events // EVENTS_A_CUSTOMER), events * DAYS)
    return write_history(shop, LAST_DAY, LAST_DAY, path, os.cpu_count() or 1)


def read_pages(settings: Settings, dataset: Dataset) -> Iterator[pages.Page]:
    """All pages of a data set."""
    row = 0
    while row < dataset.rows:
        page = pages.page(settings, dataset, row, PAGE_ROWS)
        yield page
        row = page.next_row


def lines_of_store(settings: Settings, dataset: Dataset) -> Counter[bytes]:
    lines: Counter[bytes] = Counter()
    for page in read_pages(settings, dataset):
        lines.update(page.body.split(b"\n")[:-1])
    return lines
