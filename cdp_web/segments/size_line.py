"""The sizes of a segment as a small line of an SVG, drawn by the server without a script."""

from __future__ import annotations

from cdp_web.segments.models import SegmentSize

WIDTH, HEIGHT = 96, 24
_MARGIN = 2


def build_points(sizes: list[SegmentSize]) -> str:
    """The points of a polyline, by day and size; the bottom is zero."""
    if not sizes:
        return ""
    first, span = sizes[0].day, max(1, (sizes[-1].day - sizes[0].day).days)
    most = max(size.count for size in sizes) or 1
    return " ".join(
        f"{WIDTH * (size.day - first).days / span:.1f},{HEIGHT - _MARGIN - (HEIGHT - 2 * _MARGIN) * size.count / most:.1f}"
        for size in sizes
    )
