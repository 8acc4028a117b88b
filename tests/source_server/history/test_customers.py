"""Customers: who is known on a day stays known, under the same name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_server.history.customers import KINDS, SIZE_DAYS, cohort_size, customers_until, user_ids


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=20, deadline=None)
def test_an_earlier_list_is_the_beginning_of_a_later_one(one: int, other: int) -> None:
    first, last = sorted((one, other))
    early, late = customers_until(5, 200, first), customers_until(5, 200, last)
    for name, traits in vars(early).items():
        assert np.array_equal(vars(late)[name][: len(early)], traits)
    assert late.known(first) == len(early)
    assert np.array_equal(late.eager(first), early.eager(first))


@given(st.integers(1, 100_000))
def test_cohorts_add_up_to_the_size_of_the_shop(customers: int) -> None:
    assert abs(sum(cohort_size(customers, cohort) for cohort in range(-1, SIZE_DAYS)) - customers) <= 2


def test_user_ids_are_their_own() -> None:
    ids = user_ids(np.arange(1_000_000)).to_pylist()
    assert len(set(ids)) == len(ids)
    assert {len(one) for one in ids} == {9}


def test_every_kind_occurs_and_those_who_fade_come_less() -> None:
    known = customers_until(5, 2000, 10)
    assert set(known.kind.tolist()) == set(range(len(KINDS)))
    later, sooner = np.diff(known.eager(20), prepend=0), np.diff(known.eager(11), prepend=0)
    fades = np.array([kind.fades for kind in KINDS])[known.kind]
    assert (later[fades] < sooner[fades]).all()
    assert np.allclose(later[~fades], sooner[~fades])


def test_everyone_has_a_day_on_which_they_come() -> None:
    known = customers_until(5, 2000, SIZE_DAYS - 1)
    assert ((known.due >= np.maximum(known.arrival, 0)) & (known.due < SIZE_DAYS)).all()


def test_shares_of_kinds_are_whole() -> None:
    assert sum(kind.share_old for kind in KINDS) == pytest.approx(1)
    assert sum(kind.share_new for kind in KINDS) == pytest.approx(1)
