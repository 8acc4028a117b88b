"""The result of a benchmark: measures, and goals that are met or missed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Measure:
    what: str
    value: float
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound for a measured value."""

    what: str
    value: float
    bound: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        sign = "at least" if self.at_least else "at most"
        value, bound = _format_number(self.value), _format_number(self.bound)
        return f"{'met   ' if self.met else 'MISSED'}  {self.what}: {value}, goal {sign} {bound}"


@dataclass(slots=True)
class Outcome:
    name: str
    measures: list[Measure] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)

    def measure(self, what: str, value: float, unit: str, note: str = "") -> None:
        self.measures.append(Measure(what, value, unit, note))

    @property
    def met(self) -> bool:
        return all(goal.met for goal in self.goals)

    def as_json(self) -> dict[str, Any]:
        goals = [asdict(goal) | {"met": goal.met} for goal in self.goals]
        return {"name": self.name, "measures": [asdict(measure) for measure in self.measures], "goals": goals}

    def show(self) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(self.name)
        table.add_column("", justify="right")
        table.add_column("")
        table.add_column("")
        for measure in self.measures:
            table.add_row(measure.what, _format_number(measure.value), measure.unit, measure.note)
        Console(width=160).print(table)
        for goal in self.goals:
            print(goal)


def _format_number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
