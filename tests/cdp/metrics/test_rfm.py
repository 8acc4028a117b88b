"""The eleven groups: every pair of scores is in exactly one, and worth is a mean."""

from __future__ import annotations

from itertools import product

import pytest

from cdp.metrics import BY_KEY
from cdp.metrics.rfm import RFM_GROUPS, SCORES


def groups_of(recency: int, frequency: int, monetary: int) -> list[str]:
    worth = (frequency + monetary + 1) // 2
    return [
        group.name
        for group in RFM_GROUPS
        if group.recency[0] <= recency <= group.recency[1] and group.worth[0] <= worth <= group.worth[1]
    ]


def test_every_combination_of_scores_is_in_exactly_one_group() -> None:
    assert {scores: len(groups_of(*scores)) for scores in product(SCORES, repeat=3)} == dict.fromkeys(
        product(SCORES, repeat=3), 1
    )


def test_there_are_eleven_and_the_rule_builder_offers_them() -> None:
    names = [group.name for group in RFM_GROUPS]
    assert len(set(names)) == len(names) == 11
    assert BY_KEY["rfm_group"].choices == tuple(names)


@pytest.mark.parametrize(
    ("scores", "name"),
    [
        ((5, 5, 5), "Champions"), ((5, 3, 4), "Champions"), ((4, 5, 5), "Loyal"), ((5, 1, 1), "New customers"),
        ((4, 1, 1), "Promising"), ((5, 1, 2), "Potential loyalists"), ((3, 3, 3), "Need attention"),
        ((3, 1, 2), "About to sleep"),
        ((2, 5, 5), "At risk"), ((1, 5, 5), "Cannot lose them"), ((2, 1, 1), "Hibernating"), ((1, 1, 1), "Lost"),
    ],
)  # fmt: skip
def test_group_by_hand(scores: tuple[int, int, int], name: str) -> None:
    assert groups_of(*scores) == [name]
