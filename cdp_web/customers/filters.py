"""The rule of a list as filters: one for each condition, with a way to add and to remove it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cdp.metrics import BY_KEY, LIFECYCLES, Metric
from cdp.metrics.rfm import RFM_GROUP
from cdp.rules import All, Compare, Names, Rule, to_sentence
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp_web.customers.listing import CustomerQuery, build_link
from cdp_web.layout.facts import get_rule_language
from cdp_web.segments.rules import rule_read


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter of the list in words, and the address of the list without it."""

    sentence: str
    remove_link: str


@dataclass(frozen=True, slots=True)
class QuickFilter:
    """A filter that a menu of the list offers: a metric, an operator, and values to choose or a field to fill in."""

    key: str
    title: str | Promise
    metric: Metric
    operators: tuple[tuple[str, str | Promise], ...] = (("eq", ""),)
    choices: tuple[str, ...] = ()
    #: The unit beside the field.
    unit: str | Promise = ""

    @property
    def is_number(self) -> bool:
        return self.metric.kind != "text"


QUICK_FILTERS: tuple[QuickFilter, ...] = (
    QuickFilter("lifecycle", _("Lifecycle"), BY_KEY["lifecycle"], choices=LIFECYCLES),
    QuickFilter("rfm", _("RFM group"), RFM_GROUP, choices=RFM_GROUP.choices),
    QuickFilter("spent", _("Spent"), BY_KEY["total_purchase_value"], (("ge", _("at least")), ("le", _("at most")))),
    QuickFilter(
        "seen", _("Last seen"), BY_KEY["last_seen"],
        (("in_last_days", _("within the last")), ("more_than_days_ago", _("longer ago than"))), unit=_("days"),
    ),
    QuickFilter("category", _("Favourite category"), BY_KEY["favourite_category_by_views"]),
    QuickFilter("brand", _("Favourite brand"), BY_KEY["favourite_brand_by_views"]),
)  # fmt: skip


def build_chips(query: CustomerQuery, names: Names) -> list[Chip]:
    language = get_rule_language()
    chips = []
    for position, condition in enumerate(list_conditions(query.rule)):
        sentence = to_sentence(condition, names, language)
        rest = replace(query, rule=remove_condition(query.rule, position), cursor=None)
        chips.append(Chip(sentence[:1].upper() + sentence[1:], build_link(rest)))
    return chips


def list_conditions(rule: Rule | None) -> tuple[Rule, ...]:
    """The conditions that must all hold."""
    if rule is None:
        return ()
    return rule.children if isinstance(rule, All) else (rule,)


def remove_condition(rule: Rule | None, position: int) -> Rule | None:
    return _join([each for at, each in enumerate(list_conditions(rule)) if at != position])


def add_condition(rule: Rule | None, condition: Compare) -> Rule:
    """The new condition replaces one on the same metric with the same operator: both together would match nobody."""
    others = [each for each in list_conditions(rule) if not _is_same_comparison(each, condition)]
    return All((*others, condition))


def read_condition(parameters: QueryDict) -> Compare | None:
    """The condition that a menu adds: `add` names the metric. Raises RuleInvalid if the condition is not valid."""
    field, operator, value = (parameters.get(name, "").strip() for name in ("add", "operator", "value"))
    if not field:
        return None
    rule = rule_read(
        {"version": 1, "rule": {"metric": {"field": field, "operator": operator, "value": _read_value(field, operator, value)}}}
    )
    assert isinstance(rule, Compare)
    return rule


def _read_value(field: str, operator: str, text: str) -> Any:
    """Whole numbers as numbers; the rule's own reader does the rest."""
    kind = OPERATORS[operator].value_kind(BY_KEY[field].kind) if operator in OPERATORS and field in BY_KEY else None
    is_whole = kind in ("integer", "days", "count") and text.isascii() and text.isdigit() and len(text) < 20
    return int(text) if is_whole else text


def _join(conditions: Sequence[Rule]) -> Rule | None:
    return All(tuple(conditions)) if conditions else None


def _is_same_comparison(rule: Rule, condition: Compare) -> bool:
    return isinstance(rule, Compare) and (rule.field, rule.operator) == (condition.field, condition.operator)
