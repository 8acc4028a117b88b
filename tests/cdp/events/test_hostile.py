"""Hostile messages among good ones: none stops a batch, and each is refused for its reason with its exact bytes."""

from __future__ import annotations

from cdp.events.examples import CURRENCY
from cdp.events.fields import Bounds
from cdp.events.reading import EventReader
from tests.cdp.events.batches import list_offsets, make_batch
from tests.cdp.events.poison import GOOD, POISON


def test_none_stops_the_batch_and_each_is_refused_unchanged() -> None:
    sent = [payload for payload, _, _ in POISON.values()]
    among_good = [each for payload in sent for each in (GOOD, payload)]
    with EventReader(Bounds(currency=CURRENCY)) as reader:
        result = reader.read(make_batch(*among_good))
    accepted = set(list_offsets(result.events))
    assert [name for place, name in enumerate(POISON) if 2 * place + 1 in accepted] == []
    assert list_offsets(result.events) == list(range(0, 2 * len(sent), 2))
    assert list_offsets(result.refusals) == list(range(1, 2 * len(sent), 2))
    rows = result.refusals.to_pylist()
    assert {name: (row["reason"], row["field"]) for name, row in zip(POISON, rows, strict=True)} == {
        name: (reason, field) for name, (_, reason, field) in POISON.items()
    }
    assert [name for name, row in zip(POISON, rows, strict=True) if row["payload"] != POISON[name][0]] == []


def test_a_message_may_have_a_thousand_levels() -> None:
    nested = GOOD[:-1] + b',"x":' + b"[" * 999 + b"]" * 999 + b"}"
    with EventReader() as reader:
        result = reader.read(make_batch(nested, nested.replace(b"[", b"[[", 1).replace(b"]", b"]]", 1)))
    assert (list_offsets(result.events), list_offsets(result.refusals)) == ([0], [1])
