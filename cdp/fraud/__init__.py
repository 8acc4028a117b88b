"""Fraud rules: their kinds, the SQL that finds what fulfils them, the evaluation by the streams, and the trial on past orders."""

from __future__ import annotations

from cdp.fraud.evaluate import RULE_TABLE, evaluate
from cdp.fraud.kinds import BY_KEY, RULE_KINDS, Parameter, RuleError, RuleKind, parse_parameters
from cdp.fraud.trial import TRIAL_DAYS, TRIAL_SHOWN, Finding, Trial, list_empty_tables, try_rule

__all__ = [
    "BY_KEY",
    "RULE_KINDS",
    "RULE_TABLE",
    "TRIAL_DAYS",
    "TRIAL_SHOWN",
    "Finding",
    "Parameter",
    "RuleError",
    "RuleKind",
    "Trial",
    "evaluate",
    "list_empty_tables",
    "parse_parameters",
    "try_rule",
]
