"""What a rule can ask of a customer's list of recommendations, and the answers for one customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdp.rules.facts import Recommendation
from cdp.rules.tree import Recommended, Rule, walk

PRODUCT, CATEGORY, TOP_CATEGORY = "product", "category", "top_category"
#: Places of a list; those of cdp/recommend/online.py, which needs numpy.
MAX_PLACES = 100


@dataclass(frozen=True, slots=True)
class RecommendedKind:
    key: str
    title: str
    about: str


RECOMMENDED_KINDS = (
    RecommendedKind(PRODUCT, "a product", "One of these products is among the first places of the customer's list."),
    RecommendedKind(CATEGORY, "a product of a category", "A product of one of these categories, or of one below them, is there."),
    RecommendedKind(
        TOP_CATEGORY, "most products of a category",
        "No other category has more of the first places; of equals, the one with the first place counts.",
    ),
)  # fmt: skip
KINDS_BY_KEY = {kind.key: kind for kind in RECOMMENDED_KINDS}


def reads_recommendations(rule: Rule) -> bool:
    """Whether the rule itself has such a condition."""
    return any(isinstance(node.rule, Recommended) for node in walk(rule))


def is_recommended(leaf: Recommended, recommendations: Sequence[Recommendation]) -> bool:
    found = find_recommended(leaf, recommendations)
    if isinstance(found, int):
        return found <= leaf.places
    return lies_in(found, leaf.values)


def find_recommended(leaf: Recommended, recommendations: Sequence[Recommendation]) -> int | str | None:
    """The category that has most of the first places; for other kinds the first place of what the leaf names, which may come
    after those that count. None if there is none."""
    if leaf.what == TOP_CATEGORY:
        return _find_top_category([each for each in recommendations if each.place <= leaf.places])
    if leaf.what == PRODUCT:
        return min((each.place for each in recommendations if each.product_id in leaf.values), default=None)
    return min((each.place for each in recommendations if lies_in(each.category, leaf.values)), default=None)


def lies_in(category: str | None, others: Sequence[str]) -> bool:
    """Whether it is one of the others, or below one of them."""
    return bool(category) and any(category == other or str(category).startswith(f"{other}.") for other in others)


def _find_top_category(recommendations: Sequence[Recommendation]) -> str | None:
    places: dict[str, list[int]] = {}
    for each in recommendations:
        if each.category:
            places.setdefault(each.category, []).append(each.place)
    return min(places, key=lambda category: (-len(places[category]), min(places[category])), default=None)
