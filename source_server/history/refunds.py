"""Refunds: some of the purchased lines are returned completely on one of the following days."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from source_server.history.visits import PURCHASE, REFUND, Events

REFUND_SHARE = 0.02  # of the purchased lines
MAX_REFUND_DAYS = 5
#: Seconds of the day between which the shop books refunds.
FIRST_SECOND, LAST_SECOND = 9 * 3600, 18 * 3600


def make_refunds(rng: np.random.Generator, events: Events) -> dict[int, Events]:
    """Number of days after the events -> the refunds of that day."""
    purchases = events.where(events.type == PURCHASE)
    lines = purchases.where(rng.random(len(purchases)) < REFUND_SHARE)
    days = rng.integers(1, MAX_REFUND_DAYS + 1, len(lines))
    second = rng.integers(FIRST_SECOND, LAST_SECOND, len(lines))
    refunds = replace(lines, second=second, type=np.full(len(lines), REFUND))
    return {later: refunds.where(days == later) for later in range(1, MAX_REFUND_DAYS + 1)}
