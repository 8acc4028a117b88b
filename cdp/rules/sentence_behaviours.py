"""Behaviours and sequences in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from cdp.rules.behaviours import FIELDS_BY_KEY, MEASURES_BY_KEY
from cdp.rules.interpret import TESTS
from cdp.rules.names import PRODUCT_FIELD, Names
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.phrases import Phrases
from cdp.rules.tree import Behaviour, Filter, Scalar, Sequence, Step, Window


@dataclass(frozen=True, slots=True)
class BehaviourWriter:
    phrases: Phrases
    names: Names

    def describe_behaviour(self, leaf: Behaviour) -> str:
        """A comma shows where filters or a long amount end."""
        leaf = simplify(leaf)
        did = self.phrases.did_not if is_did_not(leaf) else self.phrases.did
        text = self._describe_step(leaf.step, did[leaf.step.event])
        is_long = bool(leaf.step.filters)
        if amount := self._describe_amount(leaf):
            text = f"{text}{', ' if is_long else ' '}{amount}"
            is_long = is_long or _matches_never(leaf) or leaf.measure != "events"
        window = self._describe_window(leaf.window)
        return f"{text}{', ' if is_long else ' '}{window}" if window else text

    def describe_sequence(self, leaf: Sequence) -> str:
        did = self.phrases.did if leaf.follows else self.phrases.did_not
        first = self.describe_behaviour(Behaviour(leaf.first, "events", "ge", 1, leaf.window))
        same = self.phrases.same[leaf.same] if leaf.same else ""
        within = self.phrases.within.format(*self.phrases.format_numbers([leaf.within_days], self.phrases.days))
        return self.phrases.then.format(
            first=first,
            time=within if leaf.within_days else self.phrases.same_day,
            then=self._describe_step(leaf.then, did[leaf.then.event], same),
        )

    def describe_field(self, each: Filter) -> str:
        kind, operator = FIELDS_BY_KEY[each.field].kind, OPERATORS[each.operator]
        match each.field:
            case "weekday":
                return self.phrases.weekday[each.operator].format(*(self.phrases.weekdays[int(str(n)) - 1] for n in each.values))
            case "hour":
                return self.phrases.hour[each.operator].format(*(f"{n:02}" for n in each.values))
        texts = self.phrases.format_values(each.values, kind, operator, names=self._find_names(each))
        comparison = self.phrases.operators[each.operator].format(*texts)
        return self.phrases.fields[each.field].format(comparison)

    def _describe_step(self, step: Step, did: str, same: str = "") -> str:
        """The filters of the product follow the product; those of the time end the phrase. A single product is called by name."""
        single = next((each for each in step.filters if self._is_named_product(each)), None)
        of_product = [
            self.describe_field(each) for each in step.filters if each.field in self.phrases.fields and each is not single
        ]
        of_time = [self.describe_field(each) for each in step.filters if each.field not in self.phrases.fields]
        filters = f" {self.phrases.and_.join(of_product)}" if of_product else ""
        before, after = did.split(self.phrases.a_product)
        name = self.phrases.the_product.format(*self._find_names(single).values()) if single else self.phrases.a_product
        return " ".join(filter(None, [f"{before}{name}{same}{filters}{after}", self.phrases.and_.join(of_time)]))

    def _is_named_product(self, each: Filter) -> bool:
        return (each.field, each.operator) == (PRODUCT_FIELD, "eq") and bool(self._find_names(each))

    def _find_names(self, each: Filter) -> Mapping[Scalar, str]:
        return self.names.find_texts(each.field, each.operator, each.values)

    def _describe_amount(self, leaf: Behaviour) -> str:
        if is_did(leaf) or is_did_not(leaf):
            return ""
        kind, operator = MEASURES_BY_KEY[leaf.measure].kind, OPERATORS[leaf.operator]
        texts = self.phrases.format_values(leaf.values, kind, operator, self.phrases.units.get(leaf.measure))
        amount = self.phrases.amounts[leaf.operator].format(*texts)
        amount = self.phrases.measures[leaf.measure].format(amount, self.phrases.wholes[leaf.step.event])
        return self.phrases.or_never.format(amount) if _matches_never(leaf) else amount

    def _describe_window(self, window: Window) -> str:
        phrase = self.phrases.windows[window.kind]
        if window.values and all(isinstance(value, int) for value in window.values):
            return phrase.format(*self.phrases.format_numbers(window.values, self.phrases.days))
        return phrase.format(*(self.phrases.format_value(value, "date") for value in window.values))


def simplify(leaf: Behaviour) -> Behaviour:
    """A first or last day exists exactly if the customer did it."""
    match leaf.measure, leaf.operator:
        case (("first_day" | "last_day"), "is_set"):
            return replace(leaf, measure="events", operator="ge", value=1)
        case (("first_day" | "last_day"), "is_not_set"):
            return replace(leaf, measure="events", operator="eq", value=0)
    return leaf


def is_did(leaf: Behaviour) -> bool:
    return (leaf.measure, leaf.operator, leaf.value) == ("events", "ge", 1)


def is_did_not(leaf: Behaviour) -> bool:
    return (leaf.measure, leaf.operator, leaf.value) == ("events", "eq", 0)


def negate(leaf: Behaviour) -> Behaviour | None:
    """The opposite of "did" and of "did not"; None for any other behaviour."""
    leaf = simplify(leaf)
    if is_did(leaf):
        return replace(leaf, operator="eq", value=0)
    return replace(leaf, operator="ge", value=1) if is_did_not(leaf) else None


def _matches_never(leaf: Behaviour) -> bool:
    """Whether an amount of zero matches, which the words "bought a product" would hide."""
    kind = MEASURES_BY_KEY[leaf.measure].kind
    if kind == "date" or leaf.operator in ("is_set", "is_not_set"):
        return False
    return TESTS[leaf.operator](0, leaf.value, date.min)
