"""The facts of one customer, read from a snapshot and the uploaded lists, for the interpreter of rules."""

from __future__ import annotations

from dataclasses import fields
from functools import cache, partial

from django.utils.translation import gettext as _

from cdp.lake.paths import INTERACTIONS, RECOMMENDATIONS
from cdp.metrics import METRICS
from cdp.rules import CUSTOMER_ID, Facts, Interaction, Rank, Recommendation
from cdp_web.segments.models import ListMember
from cdp_web.segments.references import References
from cdp_web.serving.snapshot_query import QueryTooLarge, Session, Snapshot
from cdp_web.serving.snapshot_store import INTERACTION_COLUMNS, KEY, TABLE

#: Rows of `interactions` of one customer. Only a program has more.
MAX_INTERACTIONS = 20_000
_METRICS = ", ".join(metric.key for metric in METRICS)


def facts_read(snapshot: Snapshot, session: Session, references: References, customer_id: str) -> Facts | None:
    """None if the snapshot has no such customer. Ranks are read when the interpreter needs them, while the session is open."""
    rows = session.read_rows(f"SELECT {KEY}, {_METRICS} FROM {TABLE} WHERE {CUSTOMER_ID} = $1", [customer_id])
    if not rows:
        return None
    metrics = rows[0]
    key = metrics.pop(KEY)
    lists = ListMember.objects.filter(customer_id=customer_id, list_id__in=references.list_versions)
    return Facts(
        snapshot.publication.day,
        metrics,
        _read_interactions(session, key),
        frozenset(lists.values_list("list_id", flat=True)),
        references.segments,
        cache(partial(_read_rank, session, key)),
        _read_recommendations(session, key) if references.reads_recommendations else (),
    )


def _read_interactions(session: Session, key: int) -> list[Interaction]:
    columns = ", ".join(INTERACTION_COLUMNS)
    rows = session.read_rows(f"SELECT {columns} FROM {INTERACTIONS} WHERE {KEY} = $1 LIMIT {MAX_INTERACTIONS + 1}", [key])
    if len(rows) > MAX_INTERACTIONS:
        raise QueryTooLarge(
            _("The customer did more than %(most)s things, which are too many to explain.") % {"most": f"{MAX_INTERACTIONS:,}"}
        )
    return [Interaction(**row) for row in rows]


def _read_recommendations(session: Session, key: int) -> list[Recommendation]:
    columns = ", ".join(field.name for field in fields(Recommendation))
    return [
        Recommendation(**row)
        for row in session.read_rows(f"SELECT {columns} FROM {RECOMMENDATIONS} WHERE {KEY} = $1 ORDER BY place", [key])
    ]


def _read_rank(session: Session, key: int, field: str) -> Rank | None:
    """Of equals, the smaller id is first in both directions; keys sort like ids."""
    is_before = f"({field} = mine AND {KEY} < $1)"
    sql = f"""
        SELECT any_value(mine) IS NOT NULL, count(*) FILTER ({field} > mine OR {is_before}) + 1,
            count(*) FILTER ({field} < mine OR {is_before}) + 1, count({field})
        FROM {TABLE}, (SELECT {field} AS mine FROM {TABLE} WHERE {KEY} = $1)"""
    has_value, *numbers = session.read_row(sql, [key])
    return Rank(*map(int, numbers)) if has_value else None
