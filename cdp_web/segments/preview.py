"""Which customers a rule matches before it is saved: the conditions and the snapshot of a run, so preview = list = result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from sqlglot import exp

from cdp.rules import CUSTOMER_ID, Leaf, Rule, hash_rule, to_sentence, to_sql
from cdp.rules.changes import smallest_change
from cdp.rules.truth import TruthTable
from cdp_web.layout.facts import get_rule_language
from cdp_web.segments.evaluate import Evaluation, evaluation_open
from cdp_web.segments.models import Segment
from cdp_web.segments.references import References
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import LIST_COLUMNS, Snapshot
from cdp_web.serving.snapshot_store import KEY, TABLE

SAMPLE_SIZE = 10
NEAR_MISSES = 5
SECONDS = 10


@dataclass(frozen=True, slots=True)
class NodeCount:
    """How many customers one condition or group matches: alone, and after the conditions that come before it."""

    path: str
    count: int
    in_place: int


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A customer who would be a member if one condition were the other way round."""

    customer: dict[str, Any]
    path: str
    says: str


@dataclass(frozen=True, slots=True)
class Preview:
    publication: Publication
    count: int
    total: int
    nodes: list[NodeCount]
    sample: list[dict[str, Any]]
    near_misses: list[NearMiss]
    sentence: str
    sql: str
    seconds: float
    same_as: list[Segment]
    #: What the reader must know about the count; empty if there is nothing.
    notice: str = ""

    @property
    def share(self) -> float:
        return self.count / self.total if self.total else 0.0


def segment_preview(snapshot: Snapshot, rule: Rule, references: References, *, but_not: int | None = None) -> Preview:
    """`but_not` is the segment being edited, which does not count as another segment with the same rule."""
    started = time.monotonic()
    with evaluation_open(snapshot, rule, references, seconds=SECONDS) as evaluation:
        truth = TruthTable(rule, evaluation.source)
        evaluation.session.execute(truth.create())
        count, total, nodes = _count_nodes(evaluation, truth)
        sample = _read_sample(evaluation, truth)
        near_misses = _read_near_misses(evaluation, truth)
    same_as = list(Segment.objects.filter(rule_hash=hash_rule(rule), archived_at=None).exclude(pk=but_not)[:5])
    sentence, sql = to_sentence(rule, references.names, get_rule_language()), to_sql(rule, evaluation.source)
    seconds = time.monotonic() - started
    notice = _find_notice(references)
    return Preview(snapshot.publication, count, total, nodes, sample, near_misses, sentence, sql, seconds, same_as, notice)


def _find_notice(references: References) -> str:
    if not references.reads_recommendations or references.recommendations:
        return ""
    return _("There are no recommendations yet, so nobody is recommended anything. Make them: ./run recommend publish.")


def _count_nodes(evaluation: Evaluation, truth: TruthTable) -> tuple[int, int, list[NodeCount]]:
    """Members, all customers, and every node, in one scan."""
    nodes = truth.list_conditions()
    conditions = [truth.is_member(), truth.is_anyone(), *(each for node in nodes for each in (node.alone, node.in_place))]
    count, total, *numbers = map(int, evaluation.session.read_row(truth.count(conditions)))
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return count, total, [NodeCount(node.path, *pair) for node, pair in zip(nodes, pairs, strict=True)]


def _read_sample(evaluation: Evaluation, truth: TruthTable) -> list[dict[str, Any]]:
    return _read_customers(evaluation, [row[KEY] for row in _read_keys(evaluation, truth, truth.is_member(), SAMPLE_SIZE)])


def _read_near_misses(evaluation: Evaluation, truth: TruthTable) -> list[NearMiss]:
    rows = _read_keys(evaluation, truth, truth.is_near(), NEAR_MISSES)
    customers = _read_customers(evaluation, [row[KEY] for row in rows])
    columns = truth.leaf_columns()
    return [
        NearMiss(customer, *_find_missing_condition(evaluation, {leaf: bool(row[name]) for leaf, name in columns.items()}))
        for row, customer in zip(rows, customers, strict=True)
    ]


def _find_missing_condition(evaluation: Evaluation, truths: dict[Leaf, bool]) -> tuple[str, str]:
    """The condition that keeps the customer out, with its path."""
    (change,) = smallest_change(evaluation.rule, truths)
    return change.path, to_sentence(change.leaf, evaluation.references.names, get_rule_language())


def _read_keys(evaluation: Evaluation, truth: TruthTable, condition: exp.Expr, limit: int) -> list[dict[str, Any]]:
    return evaluation.session.read_rows(truth.select_keys(condition, limit))


def _read_customers(evaluation: Evaluation, keys: list[int]) -> list[dict[str, Any]]:
    """Customers with the columns of every list, in the order of the keys."""
    columns = ", ".join((KEY, CUSTOMER_ID, *(metric.key for metric in LIST_COLUMNS)))
    rows = evaluation.session.read_rows(f"SELECT {columns} FROM {TABLE} WHERE {KEY} IN (SELECT unnest($1))", [keys])
    by_key = {row.pop(KEY): row for row in rows}
    return [by_key[key] for key in keys]
