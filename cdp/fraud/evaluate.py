"""Finds new alerts. The streams "live" and "shop" call it after each batch that they have written."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from cdp.fraud import sql
from cdp.fraud.kinds import BY_KEY, RuleError, RuleKind, parse_parameters
from cdp.mart.live import ALERT, FRAUD_POSITION, ORDER
from cdp.mart.shop import CUSTOMER, PAYMENT
from cdp.mart.shop import ORDER as SHOP_ORDER
from cdp.mart.table import Table
from cdp.postgres import TABLE_EXISTS

logger = logging.getLogger(__name__)

#: Only one evaluation runs at a time, so alerts are committed in the order of their ids. No other lock has this number.
FRAUD_LOCK = 7_301_003
#: The site's table of rules, made by its migrations.
RULE_TABLE = "fraud_rule"
#: Rows of this time are read twice: a rule is seen only some time after the moment from which it counts.
OVERLAP = timedelta(seconds=10)
#: If more rows than this have changed, their customers are not picked out one by one.
MOST_PICKED = 5000


class Cursor(Protocol):
    """What psycopg2 and Django have in common."""

    def execute(self, query: str, parameters: Any = None, /) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def fetchone(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Rule:
    id: int
    name: str
    kind: RuleKind
    parameters: dict[str, Any]
    active_since: datetime


@dataclass(frozen=True, slots=True)
class Touched:
    """What has changed in a table: which customers and baskets, and the time of the earliest change. None: any."""

    customers: frozenset[str] | None
    baskets: frozenset[int] | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Source:
    """A table that a stream writes, with the column that says when. One stream writes each, so the newest value of the column
    says what was read."""

    table: Table
    written: str
    #: Selects the customer, the hash of the products, and the time from which a finding may be new.
    touched: str


_PAYMENTS = f"""
    SELECT o.customer_id, 0, {sql.PAID_AT} AS happened_at
    FROM {PAYMENT.full_name} p JOIN {SHOP_ORDER.full_name} o USING (order_id)
    WHERE p.status = 'failed' AND {sql.PAID_AT} IS NOT NULL"""
_ORDERS = f"SELECT customer_id, {sql.BASKET}, ordered_at AS happened_at FROM {ORDER.full_name} WHERE written_at > %s"
_CUSTOMERS = f"""
    SELECT customer_id, 0, signed_up_at AS happened_at
    FROM {CUSTOMER.full_name} WHERE signed_up_at IS NOT NULL AND changed_at > %s"""
SOURCES = (
    Source(ORDER, "written_at", _ORDERS),
    Source(PAYMENT, "changed_at", f"{_PAYMENTS} AND p.changed_at > %s"),
    Source(SHOP_ORDER, "changed_at", f"{_PAYMENTS} AND o.changed_at > %s"),
    Source(CUSTOMER, "changed_at", _CUSTOMERS),
)
_ALL = Touched(None, None, None)
_NOTHING: Touched = Touched(frozenset(), frozenset(), None)

_NEWEST = " UNION ALL ".join(
    f"SELECT '{source.table.full_name}', (SELECT max({source.written}) FROM {source.table.full_name}),"
    f" (SELECT position FROM {FRAUD_POSITION.full_name} WHERE source = '{source.table.full_name}')"
    for source in SOURCES
)
_MOVE = f"""
    INSERT INTO {FRAUD_POSITION.full_name} (source, position) VALUES (%s, %s)
    ON CONFLICT (source) DO UPDATE SET position = excluded.position"""
_RULES = f"SELECT id, name, kind, parameters::text, active_since FROM {RULE_TABLE} WHERE is_active ORDER BY id"


def evaluate(cursor: Cursor) -> list[int]:
    """Write an alert for everything that fulfils an active rule and has none yet; returns the ids of the new alerts. Belongs
    into a transaction of its own."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FRAUD_LOCK])
    cursor.execute(_NEWEST)
    positions = {name: (newest, position) for name, newest, position in cursor.fetchall()}
    moved = {name: newest for name, (newest, position) in positions.items() if newest != position and newest is not None}
    if not moved:
        return []
    touched = {source.table: _read_touched(cursor, source, *positions[source.table.full_name]) for source in SOURCES}
    alerts = [alert for rule in _read_rules(cursor) for alert in _find(cursor, rule, [touched[t] for t in rule.kind.sources])]
    for name, newest in moved.items():
        cursor.execute(_MOVE, [name, newest])
    return alerts


def _read_rules(cursor: Cursor) -> list[Rule]:
    """The active rules; none if the site was never started."""
    cursor.execute(TABLE_EXISTS, [RULE_TABLE])
    if not cursor.fetchone()[0]:
        return []
    cursor.execute(_RULES)
    rules = []
    for rule_id, name, kind_key, parameters, active_since in cursor.fetchall():
        try:
            kind = BY_KEY[kind_key]
            rules.append(Rule(rule_id, name, kind, parse_parameters(kind, json.loads(parameters)), active_since))
        except (KeyError, RuleError) as error:
            logger.error("the fraud rule %s is not evaluated: %s. Save it again in the administration.", rule_id, error)
    return rules


def _read_touched(cursor: Cursor, source: Source, newest: datetime | None, position: datetime | None) -> Touched:
    """Everything counts as changed at the first evaluation, and when much has changed."""
    if newest is None or newest == position:
        return _NOTHING
    if position is None:
        return _ALL
    cursor.execute(f"{source.touched} LIMIT {MOST_PICKED + 1}", [position - OVERLAP])
    rows = cursor.fetchall()
    if not rows:
        return _NOTHING
    if len(rows) > MOST_PICKED:
        cursor.execute(f"SELECT min(happened_at) FROM ({source.touched}) changed", [position - OVERLAP])
        return Touched(None, None, cursor.fetchone()[0])
    customers, baskets, times = (frozenset(values) for values in zip(*rows, strict=True))
    return Touched(customers, baskets, min(times))


def _find(cursor: Cursor, rule: Rule, sources: Sequence[Touched]) -> list[int]:
    changed = [touched for touched in sources if touched != _NOTHING]
    if not changed:
        return []
    times = [touched.since or rule.active_since for touched in changed]
    values = rule.parameters | {
        "since": max(rule.active_since, min(times)),
        "customers": _unite([touched.customers for touched in changed]),
        "baskets": _unite([touched.baskets for touched in changed]),
        "rule": rule.id,
        "shown": json.dumps({"name": rule.name, "kind": rule.kind.key} | rule.parameters, default=str),
    }
    cursor.execute(_insert(rule.kind), values)
    alerts = [alert_id for (alert_id,) in cursor.fetchall()]
    for alert_id in alerts:
        logger.info("alert %s of the fraud rule %s (%s)", alert_id, rule.id, rule.kind.key)
    return alerts


def _unite(sets: Sequence[frozenset[Any] | None]) -> list[Any] | None:
    return None if None in sets else sorted(frozenset().union(*filter(None, sets)))


def _insert(kind: RuleKind) -> str:
    return f"""
        WITH f AS MATERIALIZED ({kind.rows})
        INSERT INTO {ALERT.full_name} (rule_id, subject, customer_id, happened_at, found_at, evidence)
        SELECT %(rule)s, subject, customer_id, happened_at, now(), jsonb_build_object('rule', %(shown)s::jsonb) || {kind.evidence}
        FROM f WHERE NOT EXISTS (SELECT FROM {ALERT.full_name} a WHERE a.rule_id = %(rule)s AND a.subject = f.subject)
        ORDER BY happened_at, subject
        ON CONFLICT DO NOTHING RETURNING alert_id"""
