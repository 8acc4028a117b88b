"""The made history that benchmarks measure with, and what the source holds of it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cdp.settings import Settings
from source_server import pages
from source_server.store import Dataset

EVENTS_A_CUSTOMER = 20
PAGE_ROWS = 50_000


def make_history(path: Path, events: int, *more: str) -> None:
    """`more` goes to the generator as it is."""
    customers = max(1, events // EVENTS_A_CUSTOMER)
    argv = [sys.executable, "-m", "source_server.generate", "--events", str(events), "--customers", str(customers)]
    subprocess.run([*argv, "--out", str(path), *more], check=True, stdout=subprocess.DEVNULL)


def pages_of(settings: Settings, dataset: Dataset) -> Iterator[pages.Page]:
    """All pages of a data set."""
    row = 0
    while row < dataset.rows:
        page = pages.page(settings, dataset, row, PAGE_ROWS)
        yield page
        row = page.next_row


def lines_of_store(settings: Settings, dataset: Dataset) -> Counter[bytes]:
    found: Counter[bytes] = Counter()
    for page in pages_of(settings, dataset):
        found.update(page.body.split(b"\n")[:-1])
    return found
