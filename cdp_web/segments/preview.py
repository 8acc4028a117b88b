"""Which customers a rule matches before it is saved: the query and snapshot of a run, so preview = list = result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from cdp.rules import CUSTOMER_ID, Rule, hash_rule, to_sentence, to_sql, to_where_sql, walk
from cdp_web.segments.models import Segment
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import LIST_COLUMNS, Snapshot
from cdp_web.serving.snapshot_store import TABLE

SAMPLE_SIZE = 10
#: A rule with more conditions and groups is only counted as a whole.
MAX_COUNTED_NODES = 60


@dataclass(frozen=True, slots=True)
class NodeCount:
    """How many customers one condition or group matches on its own."""

    path: str
    count: int


@dataclass(frozen=True, slots=True)
class Preview:
    publication: Publication
    count: int
    total: int
    nodes: list[NodeCount]
    sample: list[dict[str, Any]]
    sentence: str
    sql: str
    seconds: float
    same_as: list[Segment]

    @property
    def share(self) -> float:
        return self.count / self.total if self.total else 0.0


def segment_preview(snapshot: Snapshot, rule: Rule, *, but_not: int | None = None) -> Preview:
    """`but_not` is the segment being edited, which does not count as another segment with the same rule."""
    started = time.monotonic()
    publication = snapshot.publication
    sql = to_sql(rule, publication.day, table=TABLE)
    count = int(snapshot.read_row(f"SELECT count(*) FROM ({sql})")[0])
    nodes, sample = _count_nodes(snapshot, rule), _read_sample(snapshot, rule)
    same_as = list(Segment.objects.filter(rule_hash=hash_rule(rule), archived_at=None).exclude(pk=but_not)[:5])
    return Preview(
        publication, count, snapshot.count_customers(), nodes, sample, to_sentence(rule), sql, time.monotonic() - started, same_as
    )


def _count_nodes(snapshot: Snapshot, rule: Rule) -> list[NodeCount]:
    """Count all nodes in one scan."""
    nodes = list(walk(rule))
    if len(nodes) > MAX_COUNTED_NODES:
        return []
    conditions = (to_where_sql(node.rule, snapshot.publication.day) for node in nodes)
    columns = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions)
    counts = snapshot.read_row(f"SELECT {columns} FROM {TABLE}")
    return [NodeCount(node.path, int(count)) for node, count in zip(nodes, counts, strict=True)]


def _read_sample(snapshot: Snapshot, rule: Rule) -> list[dict[str, Any]]:
    """Some members, chosen by a hash of their id, so equal members give an equal sample."""
    columns = (CUSTOMER_ID, *(metric.key for metric in LIST_COLUMNS))
    members = to_sql(rule, snapshot.publication.day, table=TABLE, select=columns)
    return snapshot.read_rows(f"SELECT * FROM ({members}) ORDER BY hash(customer_id), customer_id LIMIT {SAMPLE_SIZE}")
