"""The versions of a segment's rule, and what differs between two of them, in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django.http import Http404
from django.utils.translation import gettext as _

from cdp.rules import Names, Rule, RuleError, decode, to_sentence
from cdp.rules.difference import find_difference
from cdp_web.layout.facts import get_rule_language
from cdp_web.segments.models import Segment, SegmentVersion
from cdp_web.segments.rules import rule_read
from cdp_web.segments.selectors import rules_get_names

#: The newest versions that a page shows.
VERSIONS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """A version with its meaning, and what differs from the version before it."""

    version: SegmentVersion
    sentence: str
    difference: DifferenceText | None


@dataclass(frozen=True, slots=True)
class ChangedText:
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class DifferenceText:
    """Conditions as sentences."""

    added: list[str]
    removed: list[str]
    changed: list[ChangedText]
    is_regrouped: bool


def versions_get(segment: Segment) -> list[VersionEntry]:
    """Newest first."""
    versions = list(segment.versions.select_related("author")[: VERSIONS_SHOWN + 1])
    rules = [_decode(version) for version in versions]
    names = rules_get_names([rule for rule in rules if rule])
    before: list[Rule | None] = [*rules[1:], None]
    entries = [
        VersionEntry(
            version,
            to_sentence(rule, names, get_rule_language()) if rule else _("the rule can no longer be read"),
            _describe_difference(older, rule, names) if rule and older else None,
        )
        for version, rule, older in zip(versions, rules, before, strict=True)
    ]
    return entries[:VERSIONS_SHOWN]


def versions_compare(segment: Segment, before: int, after: int) -> DifferenceText:
    """Raises RuleInvalid for a version that can no longer be read."""
    older, newer = (rule_read(version_or_404(segment, number).rule) for number in (before, after))
    return rules_compare(older, newer)


def rules_compare(before: Rule, after: Rule) -> DifferenceText:
    return _describe_difference(before, after, rules_get_names([before, after]))


def version_or_404(segment: Segment, number: int) -> SegmentVersion:
    version = segment.versions.filter(number=number).first()
    if version is None:
        raise Http404(_("There is no version %(number)s of the segment.") % {"number": number})
    return version


def _decode(version: SegmentVersion) -> Rule | None:
    try:
        rule = decode(version.rule)
        to_sentence(rule)
    except RuleError:
        return None
    return rule


def _describe_difference(before: Rule, after: Rule, names: Names) -> DifferenceText:
    difference = find_difference(before, after)
    describe = partial(to_sentence, names=names, language=get_rule_language())
    return DifferenceText(
        list(map(describe, difference.added)),
        list(map(describe, difference.removed)),
        [ChangedText(*map(describe, pair)) for pair in difference.changed],
        difference.is_regrouped,
    )
