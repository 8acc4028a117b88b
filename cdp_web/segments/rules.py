"""Reads all incoming rules: JSON to a valid rule with its references, or all its problems at once."""

from __future__ import annotations

from cdp.rules import Problem, Rule, RuleError, check, decode
from cdp_web.segments.references import ReferenceProblem, References, references_load


class RuleInvalid(ValueError):
    """An invalid rule; every problem has a path in the document."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{problem.path} {problem.says}" for problem in problems))
        self.problems = problems

    def as_json(self) -> list[dict[str, str]]:
        return [{"path": problem.path, "says": problem.says} for problem in self.problems]


def rule_read(document: object) -> Rule:
    try:
        rule = decode(document)
    except RuleError as error:
        raise RuleInvalid([Problem(error.path, error.says)]) from error
    problems = check(rule)
    if problems:
        raise RuleInvalid(problems)
    return rule


def references_read(rule: Rule, *, of_segment: int | None = None) -> References:
    """The segments and lists that the rule refers to; raises RuleInvalid if it can't refer to one of them."""
    try:
        return references_load(rule, of_segment=of_segment)
    except ReferenceProblem as error:
        raise RuleInvalid([error.problem]) from error
