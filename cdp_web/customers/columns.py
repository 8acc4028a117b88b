"""Which metrics the list shows and how the page of a customer groups them. Groups follow from the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from cdp.metrics import BY_KEY, METRICS, Metric

#: The columns of the list, beside the customer's id.
LIST_COLUMNS: tuple[Metric, ...] = tuple(
    BY_KEY[key]
    for key in (
        "lifecycle",
        "last_seen",
        "sessions",
        "total_purchase",
        "total_purchase_value",
        "avg_purchase_value",
        "last_order",
    )
)


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    metrics: tuple[Metric, ...]


def group_title(metric: Metric) -> str:
    """The heading a metric stands under, on the customer's page and in the rule builder."""
    if metric.window:
        return f"Last {metric.window} days"
    if metric.kind == "text":
        return "Profile"
    if metric.kind == "date" or metric.unit == "days":
        return "Dates and recency"
    if metric.kind == "money":
        return "Money"
    return "Activity"


def groups() -> list[Group]:
    """Every metric once, in the order of the catalogue."""
    titles: dict[str, list[Metric]] = {}
    for metric in METRICS:
        titles.setdefault(group_title(metric), []).append(metric)
    return [Group(title, tuple(metrics)) for title, metrics in titles.items()]
