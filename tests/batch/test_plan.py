"""Which days a night restates."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from batch.plan import ALWAYS, NEVER, PublishedVersion, find_days_to_restate, find_oldest_version

D1, D2, D3, D4 = (date(2019, 10, day) for day in (1, 2, 3, 4))


def test_first_night_restates_all_days_up_to_its_own() -> None:
    assert find_days_to_restate([D3, D1, D2], {}, [], D2) == [D1, D2]


def test_next_night_restates_the_new_day_alone() -> None:
    assert find_days_to_restate([D1, D2], {}, [PublishedVersion(D1, 5)], D2) == [D2]


def test_late_event_restates_its_own_day() -> None:
    assert find_days_to_restate([D1, D2, D3], {D1: 6}, [PublishedVersion(D2, 5)], D3) == [D1, D3]


def test_change_that_the_last_publication_includes_is_not_new() -> None:
    assert find_days_to_restate([D1], {D1: 5}, [PublishedVersion(D1, 5)], D1) == []


def test_publishing_an_earlier_day_does_not_hide_changes_of_later_days() -> None:
    """D3 changed in version 7. Publishing D1 from version 9 did not restate D3."""
    published = [PublishedVersion(D3, 5), PublishedVersion(D1, 9)]
    assert find_days_to_restate([D1, D2, D3], {D1: 8, D3: 7}, published, D3) == [D3]


def test_unknown_changes_restate_everything() -> None:
    assert find_days_to_restate([D1, D2], dict.fromkeys([D1, D2], ALWAYS), [PublishedVersion(D2, 5)], D2) == [D1, D2]


def test_published_day_that_a_table_lacks_is_restated_even_after_the_night_of_an_earlier_day() -> None:
    """As after an upgrade: the days were published before the table existed. D4 was never published."""
    assert find_days_to_restate([D1, D2, D3, D4], {}, [PublishedVersion(D3, 5)], D2, lacking=[D1, D3, D4]) == [D1, D3]


def test_log_is_read_from_the_version_that_the_day_was_last_computed_from() -> None:
    assert find_oldest_version([], D1) == NEVER
    assert find_oldest_version([PublishedVersion(D2, 5)], D4) == 5
    assert find_oldest_version([PublishedVersion(D3, 5), PublishedVersion(D1, 9)], D3) == 5
    assert find_oldest_version([PublishedVersion(D3, 5), PublishedVersion(D1, 9)], D1) == 9


DAYS = st.sampled_from([D1, D2, D3, D4])


@given(st.lists(st.one_of(st.tuples(st.just("grow"), DAYS), st.tuples(st.just("night"), DAYS)), max_size=30), DAYS)
def test_no_history_of_events_and_nights_leaves_a_day_behind(history: list[tuple[str, date]], last: date) -> None:
    """Plays a history of events and nights and records the version that each day was computed from."""
    grown: dict[date, int] = {}
    computed: dict[date, int] = {}
    published: list[PublishedVersion] = []
    for version, (what, day) in enumerate([*history, ("night", last)]):
        if what == "grow":
            grown[day] = version
            continue
        oldest = find_oldest_version(published, day)
        changed = {candidate: grew for candidate, grew in grown.items() if grew > oldest}
        for restated in find_days_to_restate(grown.keys(), changed, published, day):
            assert computed.get(restated, NEVER) < grown[restated], "only days that are behind"
            computed[restated] = version
        published.append(PublishedVersion(day, version))
    assert all(computed[day] > grown[day] for day in grown if day <= last)
