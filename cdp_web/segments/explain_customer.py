"""Why one customer is in a segment or not, what would let the customer in, and when the customer leaves by time alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from cdp.metrics import BY_KEY as METRICS
from cdp.rules import Compare, InSegment, Names, Recommended, Rule
from cdp.rules.changes import LeafChange
from cdp.rules.explain import Explanation, NodeExplanation, explain
from cdp.rules.explain_words import describe_actual, describe_change, describe_target
from cdp.rules.forecast import MAX_DAYS, LeavingForecast, forecast_leaving
from cdp.rules.names import CODE_METRICS
from cdp.rules.values import write
from cdp_web.layout import formats
from cdp_web.layout.facts import get_rule_language, get_title
from cdp_web.names.rules import rule_names_get
from cdp_web.segments.facts import facts_read
from cdp_web.segments.members import members_at
from cdp_web.segments.models import Segment, SegmentRun
from cdp_web.segments.references import References
from cdp_web.segments.rules import references_read, rule_read
from cdp_web.serving.publications import Publication
from cdp_web.serving.recommendations import recommendations_ensure
from cdp_web.serving.snapshot_query import Snapshot

SECONDS = 10


@dataclass(frozen=True, slots=True)
class ExplainedNode:
    """A node of the rule as pages and the API show it."""

    path: str
    depth: int
    kind: str
    sentence: str
    holds: bool
    is_leaf: bool
    #: The customer's value and what the rule compares it with, in words; empty where there is none.
    actual: str
    target: str
    #: The customer's value as JSON; None for a missing one, a rank or a sequence.
    value: object
    #: The segment that a leaf refers to.
    segment_id: int | None


@dataclass(frozen=True, slots=True)
class ExplainedChange:
    path: str
    says: str


@dataclass(frozen=True, slots=True)
class CustomerExplanation:
    """A rule for one customer on one publication."""

    customer_id: str
    publication: Publication
    holds: bool
    nodes: list[ExplainedNode]
    #: For a customer who is out: the fewest conditions that would have to change.
    changes: list[ExplainedChange]
    is_contradiction: bool
    #: For a customer who is in.
    leaving: LeavingForecast | None

    @property
    def leaving_says(self) -> str:
        """When the customer leaves if nothing happens."""
        if self.leaving is None:
            return ""
        if self.leaving.needs_recommendations:
            return _("Not known, because the rule uses recommendations, which are made again every day.")
        if self.leaving.unknown:
            titles = ", ".join(get_title(METRICS[field]) for field in self.leaving.unknown)
            return _("Not known, because the rule uses metrics that change with time in their own way: %(titles)s.") % {
                "titles": titles
            }
        if self.leaving.day is None:
            return _("If the customer does nothing, the rule holds for %(days)s days or more.") % {"days": MAX_DAYS}
        return _("If the customer does nothing, %(day)s is the first day on which the rule no longer holds.") % {
            "day": formats.day(self.leaving.day)
        }


def explain_customer(snapshot: Snapshot, rule: Rule, references: References, customer_id: str) -> CustomerExplanation | None:
    """None if the publication has no such customer."""
    recommendations = recommendations_ensure(snapshot, references.recommendations)
    with snapshot.open_session(SECONDS) as session:
        if references.reads_recommendations:
            session.load_recommendations(recommendations)
        facts = facts_read(snapshot, session, references, customer_id)
        if facts is None:
            return None
        explanation = explain(rule, facts, references.names, get_rule_language())
        leaving = forecast_leaving(rule, facts) if explanation.holds else None
    names = references.names.merge(rule_names_get([], more_codes=_list_codes(explanation)))
    return CustomerExplanation(
        customer_id,
        snapshot.publication,
        explanation.holds,
        [_to_node(node, names) for node in explanation.nodes],
        _describe_changes(explanation, names),
        explanation.is_contradiction,
        leaving,
    )


def segment_explain_customer(snapshot: Snapshot, segment: Segment, customer_id: str) -> CustomerExplanation | None:
    """The current rule of a segment. Raises RuleInvalid if it can no longer be read."""
    rule = rule_read(segment.rule)
    return explain_customer(snapshot, rule, references_read(rule, of_segment=segment.pk), customer_id)


def is_member_at(run: SegmentRun | None, customer_id: str) -> bool | None:
    """Whether the run has the customer as a member; None without a run."""
    return None if run is None else members_at(run).filter(customer_id=customer_id).exists()


def _list_codes(explanation: Explanation) -> list[str]:
    """The categories that are values of the customer."""
    return [node.actual for node in explanation.nodes if _has_code(node.rule) and isinstance(node.actual, str)]


def _has_code(rule: Rule) -> bool:
    return isinstance(rule, Recommended) or (isinstance(rule, Compare) and rule.field in CODE_METRICS)


def _to_node(node: NodeExplanation, names: Names) -> ExplainedNode:
    language = get_rule_language()
    return ExplainedNode(
        node.path, node.depth, node.kind, node.sentence, node.holds, node.is_leaf,
        describe_actual(node.rule, node.actual, language, names), describe_target(node.rule, language, names), _to_json(node),
        node.rule.segment_id if isinstance(node.rule, InSegment) else None,
    )  # fmt: skip


def _to_json(node: NodeExplanation) -> object:
    """Amounts and days as text; a share is rounded to two decimals."""
    match node.actual:
        case Fraction():
            return f"{float(node.actual):.2f}"
        case int() | Decimal() | date() | str():
            return write(node.actual)
    return None


def _describe_changes(explanation: Explanation, names: Names) -> list[ExplainedChange]:
    actual = {node.path: node.actual for node in explanation.nodes}

    def to_change(change: LeafChange) -> ExplainedChange:
        return ExplainedChange(change.path, describe_change(change, actual[change.path], names, get_rule_language()))

    return [to_change(change) for change in explanation.changes]
