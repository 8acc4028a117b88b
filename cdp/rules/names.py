"""Names for the ids and codes that a rule mentions, in its sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from cdp.rules.recommended import PRODUCT
from cdp.rules.tree import Behaviour, Compare, Filter, Recommended, Rule, Scalar, Sequence, steps_of, walk

PRODUCT_FIELD = "product_id"
#: Fields of an event with one level of a category, from the first level on.
LEVEL_FIELDS = ("category_1", "category_2", "category_3")
#: Metrics whose value is the code of a category.
CODE_METRICS = ("favourite_category_by_views", "favourite_category_by_money")
#: Where a sentence finds the names of recommended categories, beside those of metrics.
RECOMMENDED_CATEGORY = "recommended_category"
CODE_FIELDS = (*CODE_METRICS, RECOMMENDED_CATEGORY)
#: Operators that compare whole words, so a value can be replaced by its name.
WHOLE_WORDS = ("eq", "ne", "in", "not_in")


@dataclass(frozen=True, slots=True)
class Names:
    """A sentence shows the id, code or value where the name is missing."""

    segments: Mapping[int, str] = field(default_factory=dict)
    lists: Mapping[int, str] = field(default_factory=dict)
    #: Id -> name.
    products: Mapping[str, str] = field(default_factory=dict)
    #: Field of an event or metric -> its value -> name of the category.
    categories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def merge(self, other: Names) -> Names:
        """The names of both; where they differ, those of the other."""
        fields = dict.fromkeys((*self.categories, *other.categories))
        return Names(
            {**self.segments, **other.segments},
            {**self.lists, **other.lists},
            {**self.products, **other.products},
            {key: {**self.categories.get(key, {}), **other.categories.get(key, {})} for key in fields},
        )

    def find_texts(self, field: str, operator: str, values: tuple[Scalar, ...]) -> dict[Scalar, str]:
        """The named ones of these values, each as the sentence shows it. A product keeps its id, because names may repeat."""
        names = self.products if field == PRODUCT_FIELD else self.categories.get(field, {})
        shape = "{name} ({value})" if field == PRODUCT_FIELD else "{name}"
        named = [value for value in values if value in names] if operator in WHOLE_WORDS else []
        return {value: shape.format(name=quote(names[str(value)]), value=value) for value in named}


NO_NAMES = Names()


def quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def list_named_values(rule: Rule) -> dict[str, set[str]]:
    """The values in a rule that may have names, by field: ids of products, levels and codes of categories."""
    values: dict[str, set[str]] = {}
    for node in walk(rule):
        if isinstance(node.rule, Recommended):
            values.setdefault(get_recommended_field(node.rule), set()).update(node.rule.values)
        for each in _list_comparisons(node.rule):
            if each.operator in WHOLE_WORDS and each.field in (PRODUCT_FIELD, *LEVEL_FIELDS, *CODE_METRICS):
                values.setdefault(each.field, set()).update(value for value in each.values if isinstance(value, str))
    return values


def get_recommended_field(leaf: Recommended) -> str:
    return PRODUCT_FIELD if leaf.what == PRODUCT else RECOMMENDED_CATEGORY


def _list_comparisons(rule: Rule) -> list[Compare | Filter]:
    match rule:
        case Compare():
            return [rule]
        case Behaviour() | Sequence():
            return [each for _, step in steps_of(rule) for each in step.filters]
    return []
