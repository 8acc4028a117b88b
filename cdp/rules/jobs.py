"""A rule as a job of the cluster gets it: with all that it refers to, so that the job needs no table of the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cdp.rules.codec import decode, encode
from cdp.rules.tree import Rule


@dataclass(frozen=True, slots=True)
class JobRule:
    """A rule, the rules of the segments in it, the sizes of the lists in it, and the version of the recommendations."""

    rule: Rule
    segments: Mapping[int, Rule] = field(default_factory=dict)
    list_sizes: Mapping[int, int] = field(default_factory=dict)
    #: None if the rule reads none, or before the first publication.
    recommendations: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": encode(self.rule),
            "segments": {str(key): encode(rule) for key, rule in self.segments.items()},
            "lists": {str(key): size for key, size in self.list_sizes.items()},
            "recommendations": self.recommendations,
        }


def parse_job_rule(document: Mapping[str, Any]) -> JobRule:
    """The inverse of `as_json`."""
    segments = {int(key): decode(rule) for key, rule in document["segments"].items()}
    sizes = {int(key): size for key, size in document["lists"].items()}
    return JobRule(decode(document["rule"]), segments, sizes, document["recommendations"])
