"""What `./run live` prints, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from cdp.mart.live_windows import Measure, Order, Progress, RankedThing, Sums, Window

#: Names of values of `Sums`.
_REVENUE_ROWS = ("revenue", "gross", "refunds", "orders", "average_order", "units", "visitors", "views", "carts")
Value = Decimal | int


@dataclass(frozen=True, slots=True)
class Change:
    """A window beside the window before."""

    window: Window
    now: Sums
    before: Sums

    @property
    def title(self) -> str:
        return "this minute" if self.window.minutes == 1 else f"last {self.window.minutes} minutes"


@dataclass(frozen=True, slots=True)
class RevenueReport:
    progress: Progress
    now: datetime
    changes: Sequence[Change]

    def as_json(self) -> dict[str, Any]:
        windows = [
            {**asdict(change.window), "minutes": change.window.minutes}
            | {"now": describe_sums(change.now), "before": describe_sums(change.before)}
            for change in self.changes
        ]
        return {"progress": asdict(self.progress), "windows": windows}

    def show(self, console: Console) -> None:
        table = _make_table("", *(name for change in self.changes for name in (change.title, "")))
        for name in _REVENUE_ROWS:
            values = [(getattr(change.now, name), getattr(change.before, name)) for change in self.changes]
            cells = [cell for now, before in values for cell in (_write_value(now), describe_change(now, before))]
            table.add_row(name.replace("_", " "), *cells)
        console.print(table)
        console.print("Percentages compare with the window before. Revenue is net of refunds. This minute is not over yet.")
        console.print(describe_age(self.progress, self.now))


@dataclass(frozen=True, slots=True)
class Ranking:
    """Products or categories with their names."""

    title: str
    things: Sequence[RankedThing]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TopReport:
    progress: Progress
    now: datetime
    window: Window
    measure: Measure
    order: Order
    rankings: Sequence[Ranking]

    def as_json(self) -> dict[str, Any]:
        lists = {
            ranking.title: [asdict(thing) | {"name": ranking.names.get(thing.key)} for thing in ranking.things]
            for ranking in self.rankings
        }
        head = {"minutes": self.window.minutes, **asdict(self.window), "by": self.measure, "order": self.order}
        return {"progress": asdict(self.progress), **head, **lists}

    def show(self, console: Console) -> None:
        for ranking in self.rankings:
            table = _make_table(f"{self.order} {ranking.title}", "place", "before", "units", "", "revenue", "", "views")
            for thing in ranking.things:
                table.add_row(
                    ranking.names.get(thing.key, thing.key),
                    *(str(thing.rank), str(thing.rank_before or "–")),
                    *(f"{thing.units:,}", describe_change(thing.units, thing.units_before)),
                    *(f"{thing.revenue:,.2f}", describe_change(thing.revenue, thing.revenue_before)),
                    f"{thing.views:,}",
                )
            console.print(table if ranking.things else f"{self.order} {ranking.title}: none was sold")
            console.print()
        console.print(f"The last {self.window.minutes} minutes beside the {self.window.minutes} before.")
        console.print(describe_age(self.progress, self.now))


def describe_sums(sums: Sums) -> dict[str, Any]:
    return asdict(sums) | {"revenue": sums.revenue, "average_order": sums.average_order}


def describe_change(now: Value | None, before: Value | None) -> str:
    """By how many percent a value has changed; empty if there is nothing to compare."""
    return f"{(Decimal(now) - Decimal(before)) / abs(Decimal(before)):+.0%}" if now is not None and before else ""


def _write_value(value: Value | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if isinstance(value, Decimal) else f"{value:,}"


def describe_age(progress: Progress, now: datetime) -> str:
    """How old the numbers are, and how many messages no window counts."""
    newest = f"{progress.newest_event:%Y-%m-%d %H:%M:%S} UTC" if progress.newest_event else "no event yet"
    counts = {name: getattr(progress, name) for name in ("late", "old", "ahead", "refused", "repeated")}
    left_out = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
    age = (now - progress.written_at).total_seconds()
    return f"Written {max(age, 0):,.0f} s ago; newest event: {newest}. Not counted: {left_out or 'nothing'}."


def _make_table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(names):
        table.add_column(name, justify="right" if place else "left")
    return table
