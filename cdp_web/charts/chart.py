"""What a page needs to show one chart: the figure, its definition, and the exact numbers behind it as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

from cdp_web.layout import formats

ColumnKind = Literal["text", "day", "count", "money", "percent", "number"]
_FORMATS: dict[ColumnKind, Callable[[Any], str]] = {
    "text": str,
    "day": formats.day,
    "count": formats.count,
    "money": formats.money,
    "percent": formats.percent,
    "number": formats.number,
}


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    kind: ColumnKind = "text"

    @property
    def css(self) -> str:
        return "nowrap" if self.kind in ("text", "day") else "number"

    def format(self, value: Any) -> str:
        return formats.MISSING if value is None else _FORMATS[self.kind](value)


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    css: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One reading of a chart, such as a measure, with the address that shows it."""

    title: str
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """A point of the figure opens the address in its `customdata`; `links` has the same addresses for the rows of the table, so
    they can be reached without a mouse."""

    key: str
    title: str
    about: str
    figure: go.Figure
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    links: Sequence[str] = ()
    #: The readings to switch between, in the head of the card.
    options: Sequence[Option] = ()
    #: Sentences below the figure.
    notes: Sequence[str] = ()

    @property
    def figure_json(self) -> dict[str, Any]:
        figure: dict[str, Any] = self.figure.to_plotly_json()
        return {"data": list(figure["data"]), "layout": figure["layout"]}

    @property
    def figure_id(self) -> str:
        """The id of the JSON in the page."""
        return f"{self.key}-figure"

    @property
    def table(self) -> list[list[Cell]]:
        links = self.links or [""] * len(self.rows)
        return [self._build_row(row, link) for row, link in zip(self.rows, links, strict=True)]

    def _build_row(self, row: Sequence[Any], link: str) -> list[Cell]:
        """The first cell of a row has its link."""
        return [
            Cell(column.format(value), column.css, link if position == 0 else "")
            for position, (column, value) in enumerate(zip(self.columns, row, strict=True))
        ]
