"""The names that the sentences of rules need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cdp.rules import Names, Rule
from cdp.rules.names import CODE_FIELDS, LEVEL_FIELDS, PRODUCT_FIELD, list_named_values
from cdp_web.names.selectors import category_names_get, level_names_get, product_names_get


def rule_names_get(rules: Iterable[Rule], more_codes: Iterable[str] = ()) -> Names:
    """The names of the products and categories that these rules mention, and of more categories by code."""
    values: dict[str, set[str]] = {}
    for rule in rules:
        for key, mentioned in list_named_values(rule).items():
            values.setdefault(key, set()).update(mentioned)
    levels = level_names_get({number: values.get(key, set()) for number, key in enumerate(LEVEL_FIELDS, 1)})
    codes = category_names_get({*more_codes, *(code for field in CODE_FIELDS for code in values.get(field, ()))})
    categories: dict[str, Mapping[str, str]] = {key: levels[number] for number, key in enumerate(LEVEL_FIELDS, 1)}
    return Names(
        products=product_names_get(values.get(PRODUCT_FIELD, ())), categories=categories | dict.fromkeys(CODE_FIELDS, codes)
    )
