"""Reads of alerts, with what people decided about them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from cdp.fraud import BY_KEY
from cdp.mart.live import ALERT, PROGRESS
from cdp.postgres import TABLE_EXISTS
from cdp_web.fraud.models import AlertState
from cdp_web.fraud.words import KIND_TITLES, describe_rule

Status = AlertState.Status
PAGE_SIZE = 50
#: Most alerts of a file.
MOST_EXPORTED = 50_000
#: Where the badge stops counting.
MOST_COUNTED = 100

_STATES = AlertState._meta.db_table
_USERS = get_user_model()._meta.db_table
_CLOSED = f"(SELECT FROM {_STATES} s WHERE s.alert_id = a.alert_id AND s.status <> '{Status.OPEN}')"
_FROM = f"{ALERT.full_name} a LEFT JOIN {_STATES} s USING (alert_id) LEFT JOIN {_USERS} u ON u.id = s.changed_by_id"
_STATUS = f"coalesce(s.status, '{Status.OPEN}')"
_SELECT = f"""
    SELECT alert_id, rule_id, customer_id, happened_at, found_at, evidence::text, {_STATUS}, coalesce(s.note, ''), u.username,
        s.changed_at
    FROM {_FROM}"""


@dataclass(frozen=True, slots=True)
class ShownOrder:
    order_id: str
    customer_id: str
    at: datetime
    amount: Decimal
    products: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShownPayment:
    payment_id: str
    order_id: str
    at: datetime
    amount: Decimal | None
    method: str
    failure: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What fulfilled a rule, and the values that the rule had."""

    rule: Mapping[str, Any]
    orders: Sequence[ShownOrder] = ()
    payments: Sequence[ShownPayment] = ()
    signed_up_at: datetime | None = None

    @property
    def amount(self) -> Decimal:
        return sum((order.amount for order in self.orders), Decimal(0))

    @property
    def title(self) -> str:
        return str(KIND_TITLES.get(self.rule["kind"], self.rule["kind"]))

    @property
    def sentence(self) -> str:
        parameters = BY_KEY[self.rule["kind"]].parameters
        return describe_rule(self.rule["kind"], {each.name: self.rule[each.name] for each in parameters})


@dataclass(frozen=True, slots=True)
class Alert:
    id: int
    rule_id: int
    customer_id: str
    happened_at: datetime
    found_at: datetime
    evidence: Evidence
    status: str = "open"
    note: str = ""
    changed_by: str | None = None
    changed_at: datetime | None = None

    @property
    def rule_name(self) -> str:
        """The name that the rule had."""
        return str(self.evidence.rule["name"])

    @property
    def status_title(self) -> str:
        return str(Status(self.status).label)


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Empty values select everything."""

    status: str = ""
    rule_id: int | None = None
    customer_id: str = ""
    days: int | None = None
    now: datetime = field(default_factory=timezone.now)

    def build_where(self, *, with_status: bool = True) -> tuple[str, list[Any]]:
        since = self.now - timedelta(days=self.days) if self.days else None
        conditions = {
            f"{_STATUS} = %s": self.status if with_status else "",
            "rule_id = %s": self.rule_id,
            "customer_id = %s": self.customer_id,
            "found_at >= %s": since,
        }
        chosen = {condition: value for condition, value in conditions.items() if value}
        return " AND ".join(chosen) or "true", list(chosen.values())


def parse_evidence(evidence: Mapping[str, Any]) -> Evidence:
    """The JSON of an alert or of a trial; lists without a row are null."""
    signed_up_at = evidence.get("signed_up_at")
    return Evidence(
        evidence.get("rule", {}),
        [ShownOrder(**row | _parse_values(row)) for row in evidence.get("orders") or ()],
        [ShownPayment(**row | _parse_values(row)) for row in evidence.get("payments") or ()],
        datetime.fromisoformat(signed_up_at) if signed_up_at else None,
    )


def _parse_values(row: Mapping[str, Any]) -> dict[str, Any]:
    amount = row["amount"]
    return {"at": datetime.fromisoformat(row["at"]), "amount": None if amount is None else Decimal(amount)}


def streams_have_run() -> bool:
    """Whether a stream has ever created its tables. The table of alerts comes with the site's own."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE_EXISTS, [PROGRESS.full_name])
        return bool(cursor.fetchone()[0])


def alerts_get(chosen: AlertFilter, before: int | None = None, limit: int = PAGE_SIZE + 1) -> list[Alert]:
    """Alerts by id, newest first."""
    where, values = chosen.build_where()
    after = "" if before is None else "AND alert_id < %s"
    parameters = [*values, *([] if before is None else [before]), limit]
    return list(_read(f"WHERE {where} {after} ORDER BY alert_id DESC LIMIT %s", parameters))


def alert_get(alert_id: int) -> Alert | None:
    return next(iter(_read("WHERE alert_id = %s", [alert_id])), None)


def alerts_count(chosen: AlertFilter) -> dict[str, int]:
    """By state, whichever state is chosen."""
    where, values = chosen.build_where(with_status=False)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_STATUS}, count(*) FROM {_FROM} WHERE {where} GROUP BY 1", values)
        return dict.fromkeys(Status.values, 0) | dict(cursor.fetchall())


def alerts_count_open(customer_id: str = "") -> int:
    """Of one customer or of all, up to MOST_COUNTED."""
    of_customer, values = ("customer_id = %s AND", [customer_id]) if customer_id else ("", [])
    newest = f"SELECT FROM {ALERT.full_name} a WHERE {of_customer} NOT EXISTS {_CLOSED} ORDER BY alert_id DESC LIMIT %s"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({newest}) newest", [*values, MOST_COUNTED])
        return int(cursor.fetchone()[0])


def add_open_alerts(request: HttpRequest) -> dict[str, Any]:
    """Template context: the function itself, so only whole pages run its query."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {"open_alerts": alerts_count_open}


def _read(clause: str, parameters: Sequence[Any]) -> Iterator[Alert]:
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT} {clause}", parameters)
        rows = cursor.fetchall()
    for alert_id, rule_id, customer_id, happened_at, found_at, evidence, *state in rows:
        yield Alert(alert_id, rule_id, customer_id, happened_at, found_at, parse_evidence(json.loads(evidence)), *state)
