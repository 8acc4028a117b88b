"""What a metric is: its kind and unit, where its numbers come from, and how it is shown. The modules beside this one hold the
metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from cdp.kinds import DIGITS, MONEY_SCALE, NUMBER_SCALE
from cdp.metrics.groups import MetricGroup

Kind = Literal["integer", "money", "number", "date", "text"]
Unit = Literal["", "money", "days", "share", "score"]
#: days: an aggregate over the customer's rows of `customer_day`. things: an aggregate over the customer's products, categories
#: and brands, see `things.py`. account: an expression over the customer's account in the shop's database, see `account.py`. scores: the rank of the expression among all customers, from 1 to 5, see `rfm.py`.
#: earlier: the metric named by `sql` as it was `days_ago` days before. derived: an expression over metrics of the other stages.
Stage = Literal["days", "things", "account", "scores", "earlier", "derived"]
Shown = Literal["count", "decimal", "money", "days", "percent", "day", "text"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number, day or word per customer. `sql` is in Spark's dialect; `{as_of}` in it stands for the published day."""

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
    #: Key of the date from which the metric counts the days to the published day. Such a value changes every day even if nothing
    #: happens, so documents keep the date and their reader counts the days.
    since: str = ""
    days_ago: int = 0

    @property
    def title_in_group(self) -> str:
        """The title without the window, which the heading already names."""
        return self.title.removesuffix(f", last {self.window} days")

    @property
    def shown(self) -> Shown:
        """How to display a value: by its unit, else by its kind."""
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


def count_days(since: date, day: date) -> int:
    """The value of a metric that counts the days since a date: 0 if the date is later than the published day."""
    return max((day - since).days, 0)


def ratio(part: str, whole: str) -> str:
    """A share or a mean to six decimals, half up; missing if there is nothing to divide by."""
    return f"round(CAST({part} AS DECIMAL({DIGITS}, 0)) / nullif({whole}, 0), {NUMBER_SCALE})"


def divide_money(total: str, number: str) -> str:
    """Money per unit to the cent, half up; missing if there is no unit."""
    return f"round({total} / nullif({number}, 0), {MONEY_SCALE})"


def sql_for_day(metric: Metric, as_of: str) -> str:
    """The metric's expression with the published day (YYYY-MM-DD) inserted."""
    return sql_as_of(metric, f"DATE '{as_of}'")


def sql_as_of(metric: Metric, day: str) -> str:
    """The metric's expression with an SQL expression for the day, such as a column."""
    return metric.sql.format(as_of=day)
