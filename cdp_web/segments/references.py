"""The segments and lists that a rule refers to: loaded once, with cycles and missing ones found before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from cdp.rules import InList, InSegment, Names, Problem, Rule, RuleError, Source, decode, require_valid, walk
from cdp.rules.recommended import reads_recommendations
from cdp_web.names.rules import rule_names_get
from cdp_web.segments.models import CustomerList, Segment
from cdp_web.serving.recommendations import Recommendations, recommendations_get
from cdp_web.serving.snapshot_store import KEY

#: Conditions of a rule and of all segments that it refers to, together.
MAX_TOTAL_LEAVES = 1000


@dataclass(frozen=True, slots=True)
class References:
    """What a rule refers to, directly or through other segments."""

    segments: Mapping[int, Rule] = field(default_factory=dict)
    segment_versions: Mapping[int, int] = field(default_factory=dict)
    list_versions: Mapping[int, int] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    reads_recommendations: bool = False
    #: Those that serve now; None if the rule reads none, or before the first publication.
    recommendations: Recommendations | None = None

    def as_json(self) -> dict[str, dict[str, int]]:
        return {
            "segments": {str(key): version for key, version in self.segment_versions.items()},
            "lists": {str(key): version for key, version in self.list_versions.items()},
            "recommendations": {each.publication: each.version for each in [self.recommendations] if each},
        }

    def merge(self, other: References) -> References:
        """The references of two rules."""
        return References(
            {**self.segments, **other.segments},
            {**self.segment_versions, **other.segment_versions},
            {**self.list_versions, **other.list_versions},
            self.names.merge(other.names),
            self.reads_recommendations or other.reads_recommendations,
            self.recommendations or other.recommendations,
        )

    def source(self, as_of: date) -> Source:
        """Where the site evaluates a rule with these references."""
        return Source(as_of, key=KEY, segments=self.segments)


class ReferenceProblem(ValueError):
    """A rule refers to something that it can't refer to."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.path} {problem.says}")
        self.problem = problem


def references_load(rule: Rule, *, of_segment: int | None = None) -> References:
    """Raises ReferenceProblem for a segment or list that doesn't exist, and for a segment that would refer to itself."""
    segments: dict[int, Segment] = {}
    rules: dict[int, Rule] = {}
    _load_segments(rule, [of_segment] if of_segment else [], segments, rules)
    lists = _load_lists(rule, rules.values())
    names = Names({key: each.name for key, each in segments.items()}, {key: each.name for key, each in lists.items()})
    names = names.merge(rule_names_get([rule]))
    reads = any(map(reads_recommendations, (rule, *rules.values())))
    return References(
        rules,
        {key: each.version for key, each in segments.items()},
        {key: each.version for key, each in lists.items()},
        names,
        reads,
        recommendations_get() if reads else None,
    )


def list_segment_ids(rule: Rule) -> set[int]:
    """The segments that the rule itself refers to."""
    return {node.rule.segment_id for node in walk(rule) if isinstance(node.rule, InSegment)}


def list_list_ids(rule: Rule) -> set[int]:
    """The lists that the rule itself refers to."""
    return {node.rule.list_id for node in walk(rule) if isinstance(node.rule, InList)}


def _load_segments(rule: Rule, way: list[int], segments: dict[int, Segment], rules: dict[int, Rule]) -> None:
    """Depth first. `way` leads from the segment of the rule to this one: meeting one of them again is a cycle."""
    for node in walk(rule):
        if not isinstance(node.rule, InSegment):
            continue
        segment_id, path = node.rule.segment_id, f"{node.path}.segment.id"
        if segment_id in way:
            raise ReferenceProblem(Problem(path, _describe_cycle([*way[way.index(segment_id) :], segment_id], segments)))
        if segment_id in rules:
            continue
        segment = Segment.objects.filter(pk=segment_id, archived_at=None).first()
        if segment is None:
            raise ReferenceProblem(Problem(path, f"there is no segment {segment_id}; choose another one or restore it."))
        segments[segment_id] = segment
        inner = _decode_stored(segment, path)
        _load_segments(inner, [*way, segment_id], segments, rules)
        rules[segment_id] = inner
        _refuse_too_many(rules, path)


def _decode_stored(segment: Segment, path: str) -> Rule:
    try:
        rule = decode(segment.rule)
        require_valid(rule)
    except RuleError as error:
        raise ReferenceProblem(Problem(path, f"the rule of {segment.name!r} can't be read: {error}")) from error
    return rule


def _refuse_too_many(rules: Mapping[int, Rule], path: str) -> None:
    nodes = sum(1 for rule in rules.values() for _ in walk(rule))
    if nodes > MAX_TOTAL_LEAVES:
        raise ReferenceProblem(Problem(path, f"brings in more than {MAX_TOTAL_LEAVES} conditions; refer to fewer segments."))


def _describe_cycle(loop: list[int], segments: Mapping[int, Segment]) -> str:
    names = dict(Segment.objects.filter(pk__in=loop).values_list("pk", "name"))
    return f"would refer to itself: {' → '.join(names.get(key, 'this segment') for key in loop)}."


def _load_lists(rule: Rule, others: Iterable[Rule]) -> dict[int, CustomerList]:
    wanted = list_list_ids(rule).union(*map(list_list_ids, others))
    lists = CustomerList.objects.in_bulk(wanted)
    for node in walk(rule):
        if isinstance(node.rule, InList) and node.rule.list_id not in lists:
            raise ReferenceProblem(Problem(f"{node.path}.list.id", f"there is no list {node.rule.list_id}; choose another one."))
    return lists
