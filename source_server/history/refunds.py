"""Refunds: some of the lines that were bought are taken back whole on one of the days after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from source_server.history.visits import PURCHASE, REFUND, Events

REFUND_SHARE = 0.02  # of the lines that are bought
MAX_REFUND_DAYS = 5
#: The shop books them by day.
FIRST_SECOND, LAST_SECOND = 9 * 3600, 18 * 3600


def refunds_of(rng: np.random.Generator, events: Events) -> dict[int, Events]:
    """Days after that of the events -> the refunds of that day."""
    bought = events.where(events.type == PURCHASE)
    lines = bought.where(rng.random(len(bought)) < REFUND_SHARE)
    days = rng.integers(1, MAX_REFUND_DAYS + 1, len(lines))
    second = rng.integers(FIRST_SECOND, LAST_SECOND, len(lines))
    back = replace(lines, second=second, type=np.full(len(lines), REFUND))
    return {later: back.where(days == later) for later in range(1, MAX_REFUND_DAYS + 1)}
