"""The headings of metrics in the docs, in the rule builder and on the page of a customer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricGroup:
    title: str
    about: str


STATUS = MetricGroup("Lifecycle and RFM", "The customer's stage, and rank among all who have ordered.")
RECENCY = MetricGroup("Dates and recency", "Calendar days, and how long they are before the published day.")
ORDERS = MetricGroup("Orders and money", "Over the whole history up to the published day.")
ACTIVITY = MetricGroup("Activity", "What the customer did in the shop, over the whole history.")
THINGS = MetricGroup(
    "Products and favourites", "Products, categories and brands of the customer; a rule breaks ties between favourites."
)
RATES = MetricGroup("Rates", "Shares from 0 to 1 and means; missing if there is nothing to divide by.")
ACCOUNT = MetricGroup(
    "Account",
    "From the shop's database, as it was when the night read it, also if the published day is an earlier one. "
    "Missing for customers without an account.",
)
LAST_DAYS = {
    days: MetricGroup(f"Last {days} days", f"The published day and the {days - 1} days before it.") for days in (7, 30, 90)
}

#: In the order they are shown.
GROUPS: tuple[MetricGroup, ...] = (STATUS, RECENCY, ORDERS, ACTIVITY, THINGS, RATES, ACCOUNT, *LAST_DAYS.values())
