"""The headings that metrics stand under: in the docs, in the rule builder and on the page of a customer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricGroup:
    title: str
    about: str


STANDING = MetricGroup("Lifecycle and RFM", "Where the customer stands, alone and among all who have ordered.")
RECENCY = MetricGroup("Dates and recency", "Days as the calendar has them, and how long ago they are from the published day.")
ORDERS = MetricGroup("Orders and money", "Of the whole history up to the published day.")
ACTIVITY = MetricGroup("Activity", "What was done in the shop in the whole history.")
THINGS = MetricGroup("Products and favourites", "Which products, categories and brands; favourites where a tie has a rule.")
RATES = MetricGroup("Rates", "Shares from 0 to 1 and means; missing where there is nothing to divide by.")
LAST_DAYS = {
    days: MetricGroup(f"Last {days} days", f"The published day and the {days - 1} days before it.") for days in (7, 30, 90)
}

#: In the order they are shown.
GROUPS: tuple[MetricGroup, ...] = (STANDING, RECENCY, ORDERS, ACTIVITY, THINGS, RATES, *LAST_DAYS.values())
