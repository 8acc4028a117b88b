"""Messages of Debezium become the latest change of each row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.events.topics import CDC_HEARTBEATS
from streaming.shop.changes import Counts, Message, read_changes
from streaming.shop.values import UNCHANGED
from tests.streaming.shop.debezium import COMMITTED, RECEIVED, Topics

PRODUCT = {"product_id": 7, "category_id": 3, "name": "Lamp", "brand": "acme", "price": "19.90", "stock": 5, "active": True}


def test_the_last_change_of_a_row_counts_and_its_values_are_typed() -> None:
    topics = Topics()
    messages = [topics.put("products", **PRODUCT), topics.put("products", "u", **PRODUCT | {"price": "9999999999.9", "stock": 4})]
    changes = read_changes(messages)
    assert changes.tables["products"].rows == {
        '["7"]': {
            "product_id": "7", "category_id": "3", "name": "Lamp", "brand": "acme", "price": "9999999999.90", "stock": 4,
            "active": True,
        }
    }  # fmt: skip
    assert changes.counts["cdc.shop.products"] == Counts(received=2, superseded=1, applied=1)
    assert changes.newest == datetime.fromtimestamp(COMMITTED / 1e6, UTC)


def test_a_deleted_row_is_known_with_its_last_values_and_comes_back() -> None:
    topics = Topics()
    line = {"order_id": 1, "line": 2, "product_id": 7, "quantity": 1, "amount": "2.00"}
    gone = [topics.put("order_items", **line), *topics.delete("order_items", order_id=1, line=2)]
    changes = read_changes(gone).tables["order_items"]
    assert changes.deleted == {'["1",2]': {"order_id": "1", "line": 2}}
    assert changes.rows['["1",2]']["amount"] == "2.00"
    assert list(changes.present) == []
    assert changes.counts == Counts(received=3, superseded=1, tombstones=1, applied=1)
    back = read_changes([*gone, topics.put("order_items", **line | {"amount": "3.00"})]).tables["order_items"]
    assert [row["amount"] for row in back.present] == ["3.00"]
    assert back.deleted == {}


def test_a_truncated_table_keeps_only_later_rows() -> None:
    topics = Topics()
    messages = [
        topics.put("carts", cart_id=1, customer_id=1),
        topics.truncate("carts"),
        topics.put("carts", cart_id=2, customer_id=1),
    ]
    carts = read_changes(messages).tables["carts"]
    assert (carts.emptied, list(carts.rows)) == (True, ['["2"]'])
    assert carts.counts == Counts(received=3, superseded=1, applied=2)


def test_a_large_text_that_did_not_change_keeps_its_value() -> None:
    topics = Topics()
    unchanged = PRODUCT | {"name": UNCHANGED, "stock": 1}
    known = read_changes([topics.put("products", **PRODUCT), topics.put("products", "u", **unchanged)])
    assert known.tables["products"].rows['["7"]']["name"] == "Lamp"
    unknown = read_changes([topics.put("products", "u", **unchanged)])
    assert unknown.tables["products"].rows['["7"]']["name"] == UNCHANGED


def test_a_whole_reading_of_a_table_has_a_beginning_and_an_end() -> None:
    topics = Topics()
    rows = [topics.put("carts", "r", "true", cart_id=number, customer_id=1) for number in range(3)]
    first = topics.put("carts", "r", "first_in_data_collection", cart_id=3, customer_id=1)
    last = topics.put("carts", "r", "last", cart_id=4, customer_id=1)
    carts = read_changes([*rows, first, last]).tables["carts"]
    assert (carts.snapshot_begins, carts.snapshot_ends, list(carts.rows)) == (True, True, ['["3"]', '["4"]'])
    again = read_changes([first, last, *rows, first]).tables["carts"]
    assert (again.snapshot_begins, again.snapshot_ends) == (True, False)


def test_a_column_that_is_not_declared_is_a_text() -> None:
    values = {"colour": "red", "weight": 1.5, "fragile": True, "tags": ["a", 1]}
    row = read_changes([Topics().put("products", **PRODUCT | values)]).tables["products"].rows['["7"]']
    assert [row[name] for name in values] == ["red", "1.5", "true", '["a",1]']


@pytest.mark.parametrize(
    ("key", "value", "reason", "detail"),
    [
        (None, b"{", "not_json", "the value"),
        (None, b"[]", "not_json", "the value"),
        (None, {"op": "x"}, "bad_change", "'x'"),
        (None, {"op": "c", "after": None}, "bad_change", "row"),
        (None, {"op": "c", "after": PRODUCT | {"product_id": None}}, "missing", "product_id"),
        (None, {"op": "c", "after": PRODUCT | {"price": "NAN"}}, "bad_value", "price"),
        (None, {"op": "c", "after": PRODUCT | {"price": "1.005"}}, "bad_value", "price"),
        (None, {"op": "c", "after": PRODUCT | {"price": "10000000000"}}, "bad_value", "price"),
        (None, {"op": "c", "after": PRODUCT | {"stock": 2**31}}, "bad_value", "stock"),
        (None, {"op": "c", "after": PRODUCT | {"active": 1}}, "bad_value", "active"),
        (None, {"op": "c", "after": PRODUCT | {"name": "a\0b"}}, "bad_value", "name"),
        (None, {"op": "c", "after": PRODUCT | {"updated_at": "2026-03-01T10:00:00"}}, "bad_value", "updated_at"),
        (b"x", {"op": "d"}, "bad_key", "the key"),
        ({"id": 7}, {"op": "d"}, "bad_key", "product_id"),
    ],
)
def test_a_message_that_does_not_fit_is_refused_and_the_others_count(key: Any, value: Any, reason: str, detail: str) -> None:
    topics = Topics()
    messages = [topics.put("products", **PRODUCT), topics.send("products", key, value)]
    changes = read_changes(messages)
    ((message, found, text),) = changes.refusals
    assert (message, found) == (messages[1], reason)
    assert detail in text
    assert changes.counts["cdc.shop.products"] == Counts(received=2, refused=1, applied=1)
    assert list(changes.tables["products"].rows) == ['["7"]']


def test_a_heartbeat_says_how_new_the_changes_are() -> None:
    beat = Message(CDC_HEARTBEATS.name, 0, RECEIVED, b"{}", b'{"ts_ms": 1772366400500}')
    changes = read_changes([beat])
    assert changes.newest == datetime(2026, 3, 1, 12, 0, 0, 500_000, UTC)
    assert changes.counts[CDC_HEARTBEATS.name] == Counts(received=1, applied=1)


STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "delete", "truncate", "broken", "first", "last"]), st.integers(1, 3)), max_size=20
)


@given(STEPS)
def test_every_message_is_counted_once_and_rows_are_those_of_the_database(steps: list[tuple[str, int]]) -> None:
    topics, messages, database = Topics(), [], {}
    for place, (step, number) in enumerate(steps):
        if step == "delete":
            messages += topics.delete("carts", cart_id=number)
            database.pop(number, None)
        elif step == "truncate":
            messages.append(topics.truncate("carts"))
            database.clear()
        elif step == "broken":
            messages.append(topics.send("carts", {"cart_id": number}, b"broken"))
        else:
            snapshot = {"first": "first", "last": "last", "put": "false"}[step]
            messages.append(topics.put("carts", "c", snapshot, cart_id=number, customer_id=place))
            if step == "first":
                database.clear()
            database[number] = place
    changes = read_changes(messages)
    carts, counts = changes.tables["carts"], changes.counts["cdc.shop.carts"]
    assert {row["cart_id"]: row["customer_id"] for row in carts.present} == {str(cart): str(at) for cart, at in database.items()}
    assert counts.received == len(messages)
    assert counts.received == counts.applied + counts.superseded + counts.tombstones + counts.refused
