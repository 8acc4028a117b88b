"""Parts made by several processes at once and handed on in order, only a few of them waiting at a time."""

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
from source_server.history.shop import Maker, Shop

AHEAD = 2  # parts a process may be ahead of what is written


def made(shop: Shop, parts: list[Part], jobs: int) -> Iterator[tuple[Part, pa.Table]]:
    """Each part and its rows, in order. The rows are the same for every number of jobs."""
    jobs = min(jobs, len(parts))
    if jobs < 2:
        maker = Maker(shop, parts[-1].day)
        yield from ((part, maker.rows(part)) for part in parts)
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (shop, parts[-1].day))
    try:
        coming = iter(parts)
        under_way: deque[tuple[Part, Future[pa.Table]]] = deque()
        while True:
            for part in islice(coming, jobs * AHEAD - len(under_way)):
                under_way.append((part, pool.submit(_rows, part)))
            if not under_way:
                return
            part, rows = under_way.popleft()
            yield part, rows.result()
    except BrokenProcessPool:
        raise OSError("a process that made rows was ended, perhaps for lack of memory; try --jobs 1.") from None
    finally:
        pool.shutdown(cancel_futures=True)


_maker: Maker


def _begin(shop: Shop, last: date) -> None:
    """In a new process: it ends with the one that started it, which alone listens to Ctrl-C."""
    global _maker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pa.set_cpu_count(1)
    _maker = Maker(shop, last)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _rows(part: Part) -> pa.Table:
    return _maker.rows(part)
