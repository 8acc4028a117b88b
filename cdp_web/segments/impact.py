"""What a new rule would do to a segment before it is saved: who enters, who leaves, and what depends on the segment."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import Q
from sqlglot import exp

from cdp.rules import CUSTOMER_ID, Any, Rule
from cdp.rules.truth import TruthTable
from cdp_web.segments.evaluate import Evaluation, evaluation_open
from cdp_web.segments.models import Segment, Webhook
from cdp_web.segments.preview import SAMPLE_SIZE, SECONDS
from cdp_web.segments.references import References
from cdp_web.segments.rules import RuleInvalid, references_read, rule_read
from cdp_web.segments.selectors import segments_get_dependents
from cdp_web.serving.publications import Publication
from cdp_web.serving.snapshot_query import Snapshot
from cdp_web.serving.snapshot_store import KEY, TABLE


@dataclass(frozen=True, slots=True)
class Impact:
    """The difference between the current version and a new rule, on one publication."""

    publication: Publication
    before: int
    after: int
    entered: int
    left: int
    #: Ids of some customers.
    entered_sample: list[str]
    left_sample: list[str]
    segments: list[Segment]
    webhooks: list[str]


def segment_impact(snapshot: Snapshot, segment: Segment, rule: Rule) -> Impact:
    """Exact: both rules are evaluated in one query. Raises RuleInvalid if the new rule refers to something that it can't."""
    references = references_read(rule, of_segment=segment.pk)
    before, references_before = _read_current(segment)
    both = references.merge(references_before)
    with evaluation_open(snapshot, rule, both, seconds=SECONDS) as evaluation:
        truth = TruthTable(Any((rule, before)), evaluation.source)
        evaluation.session.execute(truth.create())
        is_after, is_before = truth.combine(rule), truth.combine(before)
        enters, leaves = exp.and_(is_after, exp.not_(is_before)), exp.and_(is_before, exp.not_(is_after))
        numbers = evaluation.session.read_row(truth.count([is_before, is_after, enters, leaves]))
        before_count, after_count, entered, left = map(int, numbers)
        entered_sample, left_sample = (_read_sample(evaluation, truth, condition) for condition in (enters, leaves))
    return Impact(
        snapshot.publication, before_count, after_count, entered, left, entered_sample, left_sample,
        segments_get_dependents(segment), list_webhooks(segment),
    )  # fmt: skip


def list_webhooks(segment: Segment) -> list[str]:
    """The names of the webhooks that report changes of the segment."""
    reports = Webhook.objects.filter(Q(segment=segment) | Q(segment=None), is_active=True)
    return list(reports.values_list("name", flat=True))


def _read_current(segment: Segment) -> tuple[Rule, References]:
    try:
        rule = rule_read(segment.rule)
        return rule, references_read(rule, of_segment=segment.pk)
    except RuleInvalid as error:
        raise ValidationError("The saved rule can no longer be read, so there is nothing to compare the new one with.") from error


def _read_sample(evaluation: Evaluation, truth: TruthTable, condition: exp.Expr) -> list[str]:
    keys = [row[KEY] for row in evaluation.session.read_rows(truth.select_keys(condition, SAMPLE_SIZE))]
    rows = evaluation.session.read_rows(
        f"SELECT {CUSTOMER_ID} FROM {TABLE} WHERE {KEY} IN (SELECT unnest($1)) ORDER BY {KEY}", [keys]
    )
    return [str(row[CUSTOMER_ID]) for row in rows]
