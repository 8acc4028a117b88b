"""Customers: who is known on a day stays known, under the same name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from source_server.history.customers import KINDS, SEEN_SHARE, SIZE_DAYS, cohort_size, customers_until


@given(st.integers(0, 40), st.integers(0, 40))
def test_an_earlier_list_is_the_beginning_of_a_later_one(one: int, other: int) -> None:
    first, last = sorted((one, other))
    early, late = customers_until(5, 200, first), customers_until(5, 200, last)
    assert late[: len(early)] == early
    assert all(customer.arrival <= first for customer in early)


@given(st.integers(1, 100_000))
def test_cohorts_add_up_to_the_size_of_the_shop(customers: int) -> None:
    known = sum(cohort_size(customers, cohort) for cohort in range(-1, SIZE_DAYS))
    assert abs(known - customers / SEEN_SHARE) <= 2


def test_user_ids_are_their_own() -> None:
    known = customers_until(5, 20_000, 59)
    assert len({customer.user_id for customer in known}) == len(known)
    assert {len(customer.user_id) for customer in known} == {9}


def test_every_kind_occurs_and_those_who_fade_come_less() -> None:
    known = customers_until(5, 2000, 10)
    assert {customer.kind.name for customer in known} == {kind.name for kind in KINDS}
    for customer in known:
        later, sooner = customer.weight(20), customer.weight(11)
        assert later < sooner if customer.kind.fades else later == sooner


def test_shares_of_kinds_are_whole() -> None:
    assert sum(kind.share_old for kind in KINDS) == 1
    assert sum(kind.share_new for kind in KINDS) == 1
