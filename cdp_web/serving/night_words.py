"""The steps and checks of a night in plain words."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

STEPS: dict[str, Any] = {
    "plan": _("Find the days to compute"),
    "customer_day": _("Add up each customer's days"),
    "interactions": _("Record who did what with which product"),
    "kpi_day": _("Add up the shop's days"),
    "staging": _("Load the numbers into Postgres"),
    "customers": _("Compute all customers"),
    "charts": _("Prepare the reports"),
    "profiles": _("Write the customer profiles"),
    "gate": _("Check everything"),
    "publication": _("Publish"),
}

CHECKS: dict[str, Any] = {
    "ledger": _("No event is lost or counted twice"),
    "rows": _("Every stored event is counted"),
    "unique": _("No customer appears twice"),
    "nulls": _("No required value is missing"),
    "money": _("Revenue is the same in every store"),
    "snapshot": _("The customers add up to the shop's totals"),
    "sums": _("The reports add up"),
    "volume": _("The number of events is usual"),
    "freshness": _("The day is complete"),
}


def name_step(step: str | None) -> str:
    return str(STEPS.get(step or "", step or ""))


def name_check(check: str) -> str:
    return str(CHECKS.get(check, check))
