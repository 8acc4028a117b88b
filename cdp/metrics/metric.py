"""What a metric is: its kinds and units, where its numbers come from, and how it is shown. The metrics stand beside this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cdp.metrics.groups import MetricGroup

Kind = Literal["integer", "money", "number", "date", "text"]
Unit = Literal["", "money", "days", "share", "score"]
#: days: an aggregate over the customer's rows of `customer_day`. things: one over the customer's products, categories and
#: brands, see `batch/customers/things.py`. scores: the place that the expression has among all customers, from 1 to 5, see `rfm.py`.
#: earlier: the metric of that name as it was `days_ago` days before, see `batch/customers/rfm.py`.
#: derived: an expression over metrics of the other stages.
Stage = Literal["days", "things", "scores", "earlier", "derived"]
Shown = Literal["count", "decimal", "money", "days", "percent", "day", "text"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number (or day, or word) that is known of every customer. `sql` is in Spark's dialect; `{as_of}` in it stands for
    the published day."""

    key: str
    kind: Kind
    group: MetricGroup
    title: str
    about: str
    stage: Stage
    sql: str
    unit: Unit = ""
    window: int | None = None  # days up to and including the published one
    choices: tuple[str, ...] = ()
    #: Key of the date from which it counts the days to the published one. It moves with every day though nothing happened:
    #: documents keep the date, and their reader counts.
    since: str = ""
    days_ago: int = 0

    @property
    def title_in_group(self) -> str:
        """The title under its heading, which tells the window already."""
        return self.title.removesuffix(f", last {self.window} days")

    @property
    def shown(self) -> Shown:
        """How a person sees it: by its unit, else by its kind."""
        match self.unit, self.kind:
            case "share", _:
                return "percent"
            case "days", _:
                return "days"
            case _, "integer":
                return "count"
            case _, "money":
                return "money"
            case _, "number":
                return "decimal"
            case _, "date":
                return "day"
        return "text"


def ratio(part: str, whole: str) -> str:
    """A share or a mean to six decimals, half up; missing where there is nothing to divide by."""
    return f"round(CAST({part} AS DECIMAL(18, 0)) / nullif({whole}, 0), 6)"


def divide_money(total: str, number: str) -> str:
    """Money a piece to the cent, half up; missing where there is no piece."""
    return f"round({total} / nullif({number}, 0), 2)"


def sql_for_day(metric: Metric, as_of: str) -> str:
    """The metric's expression with the published day (YYYY-MM-DD) put in."""
    return sql_as_of(metric, f"DATE '{as_of}'")


def sql_as_of(metric: Metric, day: str) -> str:
    """The same with an expression for the day, such as a column."""
    return metric.sql.format(as_of=day)
