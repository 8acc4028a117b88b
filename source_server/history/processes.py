"""Makes parts in several processes at once and yields them in order; only a few wait at a time."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from itertools import islice
from multiprocessing import get_context, parent_process

import pyarrow as pa

from source_server.history.rhythm import Part
from source_server.history.shop import HistoryMaker, Shop

AHEAD = 2  # parts that a process may be ahead of the writer


def make_parts(shop: Shop, parts: list[Part], jobs: int) -> Iterator[tuple[Part, pa.Table]]:
    """Each part and its rows, in order. The rows are the same for every number of jobs."""
    jobs = min(jobs, len(parts))
    if jobs < 2:
        maker = HistoryMaker(shop, parts[-1].day)
        yield from ((part, maker.make_rows(part)) for part in parts)
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (shop, parts[-1].day))
    try:
        remaining = iter(parts)
        running: deque[tuple[Part, Future[pa.Table]]] = deque()
        while True:
            for part in islice(remaining, jobs * AHEAD - len(running)):
                running.append((part, pool.submit(_make_rows, part)))
            if not running:
                return
            part, rows = running.popleft()
            yield part, rows.result()
    except BrokenProcessPool:
        raise OSError("a process that made rows was killed, perhaps for lack of memory; try --jobs 1.") from None
    finally:
        pool.shutdown(cancel_futures=True)


_maker: HistoryMaker


def _begin(shop: Shop, last: date) -> None:
    """Set up a new process. It ends with its parent, and only the parent handles Ctrl-C."""
    global _maker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pa.set_cpu_count(1)
    _maker = HistoryMaker(shop, last)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _make_rows(part: Part) -> pa.Table:
    return _maker.make_rows(part)
