"""A line of a table's cell, drawn by the server without a script."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

WIDTH, HEIGHT = 96, 24
_MARGIN = 2


def build_points(values: Sequence[Decimal]) -> str:
    """The points of a polyline, from left to right. The bottom is 0, or the least value if that is below 0."""
    if not values:
        return ""
    least, most = min(0.0, *map(float, values)), max(0.0, *map(float, values))
    step, span = WIDTH / max(1, len(values) - 1), (most - least) or 1.0
    heights = (_MARGIN + (HEIGHT - 2 * _MARGIN) * (float(value) - least) / span for value in values)
    return " ".join(f"{position * step:.1f},{HEIGHT - height:.1f}" for position, height in enumerate(heights))
