"""Segments as rules: read, check, explain, decide for one customer, and compile to SQL."""

from cdp.rules.canonical import hash_rule, to_canonical
from cdp.rules.check import MAX_LEAVES, MAX_LIST_VALUES, check, require_valid
from cdp.rules.codec import VERSION, decode, encode
from cdp.rules.compile import CUSTOMER_ID, Dialect, to_expression, to_sql, to_where_sql
from cdp.rules.describe import list_catalogue
from cdp.rules.errors import Problem, RuleError
from cdp.rules.interpret import matches
from cdp.rules.operators import OPERATORS, Operator
from cdp.rules.sentence import to_sentence
from cdp.rules.tree import MAX_DEPTH, All, Any, Compare, Not, Rule, Value, walk

__all__ = [
    "CUSTOMER_ID",
    "MAX_DEPTH",
    "MAX_LEAVES",
    "MAX_LIST_VALUES",
    "OPERATORS",
    "VERSION",
    "All",
    "Any",
    "Compare",
    "Dialect",
    "Not",
    "Operator",
    "Problem",
    "Rule",
    "RuleError",
    "Value",
    "check",
    "decode",
    "encode",
    "hash_rule",
    "list_catalogue",
    "matches",
    "require_valid",
    "to_canonical",
    "to_expression",
    "to_sentence",
    "to_sql",
    "to_where_sql",
    "walk",
]
