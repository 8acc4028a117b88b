"""A small line without axes, drawn by the server: the path of an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

WIDTH, HEIGHT, MARGIN = 100, 24, 2


def draw_line(values: Sequence[Decimal | int | float | None]) -> str:
    """The `d` of a path in a box of 100 x 24; the scale begins at 0. Missing values are left out; one value draws nothing."""
    numbers = [(position, float(value)) for position, value in enumerate(values) if value is not None]
    if len(numbers) < 2:
        return ""
    least, most = min(0.0, *(number for _, number in numbers)), max(number for _, number in numbers)
    across = WIDTH / (len(values) - 1)
    up = (HEIGHT - 2 * MARGIN) / ((most - least) or 1)
    points = (f"{position * across:.1f} {HEIGHT - MARGIN - (number - least) * up:.1f}" for position, number in numbers)
    return "M" + "L".join(points)
