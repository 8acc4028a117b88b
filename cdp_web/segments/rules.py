"""The door through which rules come in: JSON to a rule without a fault, or all its problems at once."""

from __future__ import annotations

from cdp.rules import Problem, Rule, RuleError, check, decode


class RuleInvalid(ValueError):
    """A rule that can't be used; every problem names the place it belongs to."""

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
