"""The words of the sentence about a rule, in each language. `{}` stands for a value; sentence.py puts the phrases together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "vi"]


@dataclass(frozen=True, slots=True)
class Phrases:
    """The words of one language. Keys are those of the tables of operators, events, measures and windows."""

    and_: str
    or_: str
    #: Joins alternatives of which one is an "and": the comma shows where it ends.
    or_after_and: str
    not_: str  # {}: the sentence
    is_in_segment: str
    is_in_list: str
    not_in_segment: str
    not_in_list: str
    more: str  # {}: how many values of a list are left out
    days: tuple[str, str]  # one day, several days; {}: the number
    percent: str
    operators: Mapping[str, str]
    #: Event -> what the customer did, and did not do.
    did: Mapping[str, str]
    did_not: Mapping[str, str]
    #: Measure of a behaviour -> its subject; {}: what the customer did.
    measures: Mapping[str, str]
    #: Field of an event -> the filter; {}: the comparison.
    fields: Mapping[str, str]
    windows: Mapping[str, str]  # {}: days, or a day
    weekdays: tuple[str, ...]
    then: str  # {first}, {then}, {days}, {same}
    same: Mapping[str, str]
    at_least: str  # {did}, {count}


EN = Phrases(
    and_=" and ",
    or_=" or ",
    or_after_and=", or ",
    not_="not ({})",
    is_in_segment="is in the segment {}",
    is_in_list="is in the list {}",
    not_in_segment="is not in the segment {}",
    not_in_list="is not in the list {}",
    more="{} more",
    days=("{} day", "{} days"),
    percent="{} %",
    operators={
        "eq": "is {}",
        "ne": "is not {}",
        "lt": "is less than {}",
        "le": "is at most {}",
        "gt": "is more than {}",
        "ge": "is at least {}",
        "on": "is on {}",
        "not_on": "is not on {}",
        "before": "is before {}",
        "on_or_before": "is on or before {}",
        "after": "is after {}",
        "on_or_after": "is on or after {}",
        "between": "is from {} to {}",
        "not_between": "is not from {} to {}",
        "in_last_days": "is in the last {}",
        "more_than_days_ago": "is more than {} ago",
        "days_ago_between": "is {} to {} ago",
        "this_week": "is in this week",
        "last_week": "is in last week",
        "this_month": "is in this month",
        "last_month": "is in last month",
        "this_year": "is in this year",
        "last_year": "is in last year",
        "anniversary_in_days": "has its anniversary within {}",
        "in": "is one of {}",
        "not_in": "is none of {}",
        "contains": "contains {}",
        "not_contains": "does not contain {}",
        "starts_with": "starts with {}",
        "ends_with": "ends with {}",
        "eq_any_case": "is {} in any case",
        "in_any_case": "is one of {} in any case",
        "contains_any_case": "contains {} in any case",
        "starts_with_any_case": "starts with {} in any case",
        "ends_with_any_case": "ends with {} in any case",
        "top": "is among the {} highest",
        "bottom": "is among the {} lowest",
        "top_percent": "is among the highest {}",
        "bottom_percent": "is among the lowest {}",
        "is_set": "has a value",
        "is_not_set": "has no value",
    },
    did={
        "view": "viewed a product",
        "cart": "added a product to the cart",
        "remove_from_cart": "removed a product from the cart",
        "purchase": "bought a product",
        "refund": "returned a product",
        "any": "did anything",
    },
    did_not={
        "view": "did not view a product",
        "cart": "did not add a product to the cart",
        "remove_from_cart": "did not remove a product from the cart",
        "purchase": "did not buy a product",
        "refund": "did not return a product",
        "any": "did nothing",
    },
    measures={
        "events": "the number of times the customer {}",
        "quantity": "the number of units when the customer {}",
        "money": "the money when the customer {}",
        "products": "the number of different products when the customer {}",
        "categories": "the number of different categories when the customer {}",
        "brands": "the number of different brands when the customer {}",
        "days": "the number of days on which the customer {}",
        "share_of_events": "the share of the times that the customer {}",
        "share_of_money": "the share of the money when the customer {}",
        "first_day": "the first day on which the customer {}",
        "last_day": "the last day on which the customer {}",
    },
    fields={
        "product_id": "whose id {}",
        "category_1": "whose category {}",
        "category_2": "whose category of level 2 {}",
        "category_3": "whose category of level 3 {}",
        "brand": "whose brand {}",
        "price": "whose price {}",
        "weekday": "on a day of the week that {}",
        "hour": "at an hour that {}",
    },
    windows={
        "ever": "",
        "last_days": "in the last {}",
        "days_ago": "{} to {} ago",
        "between": "from {} to {}",
        "this_week": "this week",
        "last_week": "last week",
        "this_month": "this month",
        "last_month": "last month",
        "this_year": "this year",
        "last_year": "last year",
    },
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    then="{first}, and within {days} {then}{same}",
    same={
        "product_id": " (the same product)",
        "category_1": " (the same category)",
        "category_2": " (the same category of level 2)",
        "category_3": " (the same category of level 3)",
        "brand": " (the same brand)",
    },
    at_least="{did} at least {count} times",
)

PHRASES: Mapping[Language, Phrases] = {"en": EN}
