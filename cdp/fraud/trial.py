"""What a rule would have found in the last days, before it is switched on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from cdp.fraud.evaluate import Cursor
from cdp.fraud.kinds import RuleKind, parse_parameters
from cdp.mart.table import Table

TRIAL_DAYS = 30
TRIAL_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """What would have been an alert."""

    subject: str
    customer_id: str
    happened_at: datetime
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """`days` has the days on which something was found; `findings` are the latest ones, newest first."""

    days: Mapping[date, int]
    findings: Sequence[Finding]

    @property
    def count(self) -> int:
        return sum(self.days.values())


def try_rule(cursor: Cursor, kind: RuleKind, parameters: Mapping[str, Any], now: datetime) -> Trial:
    """Raises RuleError if the parameters do not fit the kind."""
    values = parse_parameters(kind, parameters)
    since = now - timedelta(days=TRIAL_DAYS)
    cursor.execute(_select(kind), values | {"since": since, "customers": None, "baskets": None})
    days, findings = (json.loads(text) for text in cursor.fetchone())
    return Trial(
        {date.fromisoformat(day): count for day, count in sorted(days.items())},
        [Finding(f["subject"], f["customer_id"], datetime.fromisoformat(f["happened_at"]), f["evidence"]) for f in findings],
    )


def list_empty_tables(cursor: Cursor, kind: RuleKind) -> list[Table]:
    """The tables that the kind reads and that have no rows: with one of them, its rules find nothing."""
    exist = ", ".join(f"EXISTS (SELECT FROM {table.full_name})" for table in kind.sources)
    cursor.execute(f"SELECT {exist}")
    return [table for table, has_rows in zip(kind.sources, cursor.fetchone(), strict=True) if not has_rows]


def _select(kind: RuleKind) -> str:
    return f"""
        WITH findings AS MATERIALIZED ({kind.rows}),
        days AS (SELECT (happened_at AT TIME ZONE 'UTC')::date AS day, count(*) AS findings FROM findings GROUP BY 1),
        shown AS (SELECT * FROM findings ORDER BY happened_at DESC, subject LIMIT {TRIAL_SHOWN})
        SELECT coalesce((SELECT jsonb_object_agg(day, findings) FROM days), '{{}}')::text, coalesce((
            SELECT jsonb_agg(jsonb_build_object('subject', subject, 'customer_id', customer_id, 'happened_at', happened_at,
                'evidence', {kind.evidence}) ORDER BY happened_at DESC, subject) FROM shown f), '[]')::text"""
