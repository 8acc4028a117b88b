"""Segments as rules: read, check, explain, decide for one customer, and compile to SQL."""

from cdp.rules.canonical import hash_rule, to_canonical
from cdp.rules.check import MAX_LEAVES, MAX_LIST_VALUES, check, require_valid
from cdp.rules.codec import VERSION, decode, encode
from cdp.rules.compile import Compiler, to_sql
from cdp.rules.describe import describe_behaviours, describe_recommended, list_catalogue
from cdp.rules.errors import Problem, RuleError
from cdp.rules.facts import Facts, Interaction, Rank, Recommendation
from cdp.rules.interpret import matches, measure_behaviour
from cdp.rules.names import Names
from cdp.rules.operators import OPERATORS, Operator
from cdp.rules.phrases import Language
from cdp.rules.sentence import to_sentence
from cdp.rules.source import CUSTOMER_ID, Dialect, Source
from cdp.rules.tree import (
    MAX_DEPTH,
    All,
    Any,
    Behaviour,
    Compare,
    Filter,
    InList,
    InSegment,
    Leaf,
    Not,
    Recommended,
    Rule,
    Sequence,
    Step,
    Value,
    Window,
    walk,
)

__all__ = [
    "CUSTOMER_ID",
    "MAX_DEPTH",
    "MAX_LEAVES",
    "MAX_LIST_VALUES",
    "OPERATORS",
    "VERSION",
    "All",
    "Any",
    "Behaviour",
    "Compare",
    "Compiler",
    "Dialect",
    "Facts",
    "Filter",
    "InList",
    "InSegment",
    "Interaction",
    "Language",
    "Leaf",
    "Names",
    "Not",
    "Operator",
    "Problem",
    "Rank",
    "Recommendation",
    "Recommended",
    "Rule",
    "RuleError",
    "Sequence",
    "Source",
    "Step",
    "Value",
    "Window",
    "check",
    "decode",
    "describe_behaviours",
    "describe_recommended",
    "encode",
    "hash_rule",
    "list_catalogue",
    "matches",
    "measure_behaviour",
    "require_valid",
    "to_canonical",
    "to_sentence",
    "to_sql",
    "walk",
]
