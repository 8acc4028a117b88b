"""Customers: those of one day are also in the list of every later day, with the same ids and traits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_server.history.customers import KINDS, SIZE_DAYS, cohort_size, make_customers, make_user_ids


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=20, deadline=None)
def test_an_earlier_list_is_the_beginning_of_a_later_one(one: int, other: int) -> None:
    first, last = sorted((one, other))
    early, late = make_customers(5, 200, first), make_customers(5, 200, last)
    for name, traits in vars(early).items():
        assert np.array_equal(vars(late)[name][: len(early)], traits)
    assert late.count_until(first) == len(early)
    assert np.array_equal(late.sum_likelihoods(first), early.sum_likelihoods(first))


@given(st.integers(1, 100_000))
def test_cohorts_add_up_to_the_size_of_the_shop(customers: int) -> None:
    assert abs(sum(cohort_size(customers, cohort) for cohort in range(-1, SIZE_DAYS)) - customers) <= 2


def test_user_ids_are_their_own() -> None:
    ids = make_user_ids(np.arange(1_000_000)).to_pylist()
    assert len(set(ids)) == len(ids)
    assert {len(one) for one in ids} == {9}


def test_every_kind_occurs_and_lapsing_customers_visit_less() -> None:
    customers = make_customers(5, 2000, 10)
    assert set(customers.kind.tolist()) == set(range(len(KINDS)))
    later, sooner = np.diff(customers.sum_likelihoods(20), prepend=0), np.diff(customers.sum_likelihoods(11), prepend=0)
    fades = np.array([kind.fades for kind in KINDS])[customers.kind]
    assert (later[fades] < sooner[fades]).all()
    assert np.allclose(later[~fades], sooner[~fades])


def test_everyone_has_a_day_on_which_they_come() -> None:
    customers = make_customers(5, 2000, SIZE_DAYS - 1)
    assert ((customers.due >= np.maximum(customers.arrival, 0)) & (customers.due < SIZE_DAYS)).all()


def test_shares_of_kinds_are_whole() -> None:
    assert sum(kind.share_old for kind in KINDS) == pytest.approx(1)
    assert sum(kind.share_new for kind in KINDS) == pytest.approx(1)
