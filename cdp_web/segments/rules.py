"""Reads all incoming rules: JSON to a valid rule, or all its problems at once."""

from __future__ import annotations

from cdp.rules import Problem, Rule, RuleError, check, decode


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
