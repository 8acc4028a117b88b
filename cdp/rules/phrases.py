"""What a language needs to say a rule, and how it writes values. `{}` stands for a value; sentence.py joins the phrases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from cdp.rules.operators import Operator, ValueKind
from cdp.rules.tree import Scalar
from cdp.rules.values import decimal_text

Language = Literal["en", "vi"]
#: The word for one, and for any other number; {}: the number.
Unit = tuple[str, str]
_MAX_VALUES = 5  # values of a list that the sentence lists


@dataclass(frozen=True, slots=True)
class Phrases:
    """The words of one language. Keys are those of the tables of operators, events, measures, fields and windows."""

    and_: str
    or_: str
    #: Joins alternatives of which one is an "and": the comma shows where it ends.
    or_after_and: str
    not_: str  # {}: the sentence
    is_in_segment: str
    is_in_list: str
    not_in_segment: str
    not_in_list: str
    #: What of cdp/rules/recommended.py -> {0}: products or categories, {1}: among how many places.
    recommended: Mapping[str, str]
    not_recommended: Mapping[str, str]
    first_place: str
    first_places: str  # {}: how many
    one_of: str  # {}: a list
    more: str  # {}: how many values of a list are left out
    days: Unit
    percent: str
    date: str  # {year}, {month}, {day}
    decimal_mark: str
    #: The window at the end of a metric's title, and within a sentence.
    title_window: tuple[str, str]
    #: What a metric or a field of an event is.
    operators: Mapping[str, str]
    #: What a measure of a behaviour is.
    amounts: Mapping[str, str]
    #: Any product, as the two tables below have it, and one that has a name; {}: its name and id.
    a_product: str
    the_product: str
    #: Event -> what the customer did, and did not do with a product.
    did: Mapping[str, str]
    did_not: Mapping[str, str]
    #: Measure -> {0}: the amount, {1}: the whole of a share.
    measures: Mapping[str, str]
    units: Mapping[str, Unit]
    #: Event -> all events of the type, as the whole of a share.
    wholes: Mapping[str, str]
    or_never: str  # {}: an amount that the customer without such an event matches, too
    #: Field of a product -> {}: what it is.
    fields: Mapping[str, str]
    #: Operator -> {}: days of the week, or hours of two digits.
    weekday: Mapping[str, str]
    hour: Mapping[str, str]
    weekdays: tuple[str, ...]
    windows: Mapping[str, str]  # {}: days, or a day
    then: str  # {first}, {time}, {then}
    within: str  # {}: days
    same_day: str
    #: Field that the product of the second step shares with the first.
    same: Mapping[str, str]

    def format_values(
        self,
        values: Sequence[Scalar],
        kind: ValueKind,
        operator: Operator,
        unit: Unit | None = None,
        names: Mapping[Scalar, str] = MappingProxyType({}),
    ) -> list[str]:
        """One text for each value that the operator's phrase takes: its name, if it has one. Only the last number has its unit:
        "3 to 5 days"."""
        if operator.value_kind(kind) == "days":
            unit = self.days
        if unit:
            return self.format_numbers(values, unit)
        texts = [names.get(value) or self.format_value(value, operator.value_kind(kind)) for value in values]
        return [self._format_list(texts)] if operator.values == "many" else texts

    def describe_places(self, count: int) -> str:
        return self.first_place if count == 1 else self.first_places.format(count)

    def format_numbers(self, values: Sequence[Scalar], unit: Unit) -> list[str]:
        *others, last = values
        return [*map(str, others), unit[last != 1].format(last)]

    def format_value(self, value: Scalar, kind: ValueKind) -> str:
        if isinstance(value, date):
            return self.date.format(year=value.year, month=value.month, day=value.day)
        if kind == "percent" and isinstance(value, int | Decimal):
            return self.percent.format(format(Decimal(value).normalize(), "f").replace(".", self.decimal_mark))
        if kind in ("money", "number") and isinstance(value, int | Decimal):
            return decimal_text(Decimal(value)).replace(".", self.decimal_mark)
        return json.dumps(value, ensure_ascii=False)

    def _format_list(self, texts: Sequence[str]) -> str:
        rest = len(texts) - _MAX_VALUES
        shown = [*texts[:_MAX_VALUES], *([self.more.format(rest)] if rest > 0 else [])]
        return f"({', '.join(shown)})"
