"""Orders become purchases and refunds, each once, in whatever order their rows come."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import connection as Connection

from cdp.events.fields import BOUNDS
from cdp.events.reading import MESSAGES_SCHEMA, EventReader
from infra.stack.stack import open_stack
from streaming.resume import CannotResume
from streaming.shop.changes import Message
from streaming.shop.sender import find_last_sent
from streaming.shop.values import UNCHANGED
from tests.conftest import TestStack
from tests.databases import database
from tests.examples import limit_examples
from tests.streaming.shop.batches import ShopStream, open_tables
from tests.streaming.shop.debezium import Topics

pytestmark = pytest.mark.stack("postgres")

NUMBERS = itertools.count(1)
PLACED, PAID, BACK = "2026-03-01T10:00:00.000000Z", "2026-03-01T10:05:00.500000Z", "2026-03-04T09:00:00.000000Z"


@pytest.fixture(scope="module")
def connection(test_stack: TestStack) -> Iterator[Connection]:
    test_stack.require(("postgres",))
    with database(open_stack().settings) as own:
        connection = open_tables(own)
        yield connection
        connection.close()


def make_order(number: int, topics: Topics) -> list[Message]:
    """All messages of an order of two lines, of which one comes back, in the order in which a shop would commit them."""
    order: dict[str, Any] = {"order_id": number, "customer_id": 5, "total": "30.00", "currency": "USD", "placed_at": PLACED}
    line: dict[str, Any] = {"order_id": number, "product_id": number, "unit_price": "10.00", "discount": "0.00"}
    pay: dict[str, Any] = {"payment_id": number, "order_id": number, "attempt": 1, "method": "card", "amount": "30.00"}
    pay["created_at"] = PLACED
    return [
        topics.put("categories", category_id=number, parent_id=None, code="home.lamps", name="Lamps"),
        topics.put("products", product_id=number, category_id=number, name="Lamp", brand="Acme", price="10.00", stock=9),
        topics.put("orders", **order, status="placed"),
        topics.put("order_items", **line, line=1, quantity=1, amount="10.00"),
        topics.put("order_items", **line, line=2, quantity=2, amount="20.00"),
        topics.put("order_status_history", order_id=number, position=1, status="placed", changed_at=PLACED),
        topics.put("payments", **pay, status="pending", updated_at=PLACED),
        topics.put("products", "u", product_id=number, category_id=number, name="Lamp", brand="Acme", price="10.00", stock=6),
        topics.put("payments", "u", **pay, status="captured", updated_at=PAID),
        topics.put("orders", "u", **order, status="paid"),
        topics.put("order_status_history", order_id=number, position=2, status="paid", changed_at=PAID),
        topics.put(
            "refunds", refund_id=number, order_id=number, line=2, quantity=1, amount="9.50", reason="returned", refunded_at=BACK
        ),
        topics.put("orders", "u", **order, status="delivered"),
    ]


def expect_events(number: int) -> dict[str, dict[str, object]]:
    common = {
        "product_id": str(number), "category_id": str(number), "category_code": "home.lamps", "brand": "Acme", "user_id": "5",
        "order_id": str(number), "currency": "USD", "source": "shop",
    }  # fmt: skip
    bought = common | {"event_type": "purchase", "event_time": "2026-03-01T10:05:00.5Z", "price": "10.00"}
    events: list[dict[str, object]] = [
        bought | {"event_id": f"order:{number}:1", "quantity": 1, "amount": "10.00"},
        bought | {"event_id": f"order:{number}:2", "quantity": 2, "amount": "20.00"},
        common
        | {"event_id": f"refund:{number}", "event_type": "refund", "event_time": "2026-03-04T09:00:00Z"}
        | {"quantity": 1, "amount": "9.50"},
    ]
    return {str(event["event_id"]): event for event in events}


@given(st.data())
@settings(max_examples=limit_examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_messages_in_any_order_and_any_batches_give_the_same_events_once(connection: Connection, data: st.DataObject) -> None:
    """Only the order within a topic is fixed."""
    number, stream = next(NUMBERS), ShopStream(connection)
    messages = make_order(number, Topics())
    by_topic: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        by_topic[message.topic].append(message)
    drawn = data.draw(st.permutations([message.topic for message in messages]))
    queues = {topic: iter(queue) for topic, queue in by_topic.items()}
    shuffled = [next(queues[topic]) for topic in drawn]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(shuffled) - 1))))
    # The shop has sent an order before, so it is known to have products, categories and a history.
    stream.write(*make_order(10_000 + number, Topics()))
    for start, end in itertools.pairwise([0, *cuts, len(shuffled)]):
        stream.write(*shuffled[start:end])
    events = stream.read_events()
    assert {name: event for name, event in events.items() if name in expect_events(number)} == expect_events(number)
    assert len(events) == 6
    ((status, paid),) = stream.query("SELECT status, paid_at::text FROM shop.orders WHERE order_id = %s", str(number))
    assert (status, paid) == ("delivered", "2026-03-01 10:05:00.5+00")


def test_an_event_is_one_of_the_contract(connection: Connection) -> None:
    number, stream = next(NUMBERS), ShopStream(connection)
    stream.write(*make_order(number, Topics()))
    events = [orjson.dumps(event) for event in stream.read_events().values()]
    rows = [(value, "events.raw", 0, offset, datetime(2026, 3, 5, tzinfo=UTC)) for offset, value in enumerate(events)]
    messages = pa.RecordBatch.from_pylist([dict(zip(MESSAGES_SCHEMA.names, row, strict=True)) for row in rows], MESSAGES_SCHEMA)
    with EventReader(BOUNDS) as reader:
        read = reader.read(messages)
    assert read.refusals.num_rows == 0
    good = read.events.select(["event_id", "order_id", "revenue", "price"]).to_pylist()
    assert [list(map(str, event.values())) for event in good] == [
        [f"order:{number}:1", str(number), "10.00", "10.00"],
        [f"order:{number}:2", str(number), "20.00", "10.00"],
        [f"refund:{number}", str(number), "-9.50", "9.50"],
    ]


def test_a_shop_without_history_and_products_is_not_waited_for(connection: Connection) -> None:
    number, stream = next(NUMBERS), ShopStream(connection)
    tables = ("cdc.shop.orders", "cdc.shop.order_items", "cdc.shop.payments")
    stream.write(*(message for message in make_order(number, Topics()) if message.topic in tables))
    purchase = stream.read_events()[f"order:{number}:1"]
    assert purchase["event_time"] == "2026-03-01T10:05:00.5Z"
    assert purchase.keys().isdisjoint({"category_id", "category_code", "brand"})


def test_an_order_that_is_deleted_in_the_batch_of_its_payment_is_sent(connection: Connection) -> None:
    number, stream, topics = next(NUMBERS), ShopStream(connection), Topics()
    order = make_order(number, topics)
    deletions = [*topics.delete("orders", order_id=number), *topics.delete("order_items", order_id=number, line=1)]
    stream.write(*order, *deletions)
    assert set(stream.read_events()) == set(expect_events(number))


def test_a_later_change_of_a_line_does_not_take_its_purchase_back(connection: Connection) -> None:
    number, stream, topics = next(NUMBERS), ShopStream(connection), Topics()
    stream.write(*make_order(number, topics))
    line: dict[str, Any] = {"order_id": number, "line": 1, "product_id": number, "unit_price": "99.00", "discount": "0.00"}
    stream.write(topics.put("order_items", "u", **line, quantity=1, amount="99.00"))
    stream.write(*topics.delete("orders", order_id=number))
    assert stream.read_events() == expect_events(number)
    assert stream.query("SELECT count(*) FROM shop.orders WHERE order_id = %s", str(number)) == [(0,)]


def test_rows_that_a_whole_reading_does_not_have_go(connection: Connection) -> None:
    stream, topics = ShopStream(connection), Topics()
    stream.write(*(topics.put("customers", customer_id=customer, name=f"n{customer}") for customer in (901, 902, 903)))
    stream.write(topics.put("customers", "r", "first", customer_id=901, name="first"))
    count = "SELECT array_agg(customer_id ORDER BY customer_id) FROM shop.customer WHERE customer_id LIKE '90_'"
    assert stream.query(count) == [(["901", "902", "903"],)], "the reading is not complete yet"
    stream.write(topics.put("customers", "r", "last_in_data_collection", customer_id=903, name="last"))
    assert stream.query(count) == [(["901", "903"],)]
    buffered = "SELECT row_key FROM shop.change WHERE table_name = 'customers' ORDER BY 1"
    assert stream.query(buffered) == [("",), ('["901"]',), ('["903"]',)]
    stream.write(topics.truncate("customers"))
    assert stream.query(count) == [(None,)]
    assert stream.query(buffered) == [("",)]


def test_a_large_text_that_did_not_change_keeps_its_value(connection: Connection) -> None:
    number, stream, topics = next(NUMBERS), ShopStream(connection), Topics()
    stream.write(topics.put("products", product_id=number, name="long", brand="b", price="1.00"))
    stream.write(topics.put("products", "u", product_id=number, name=UNCHANGED, brand=None, price="2.00"))
    key = [str(number)]
    assert stream.query("SELECT name, brand, price::text FROM shop.product WHERE product_id = %s", *key) == [
        ("long", None, "2.00")
    ]
    ((content,),) = stream.query("SELECT content FROM shop.change WHERE row_key = %s", f'["{number}"]')
    assert orjson.loads(content) == {"product_id": str(number), "name": "long", "brand": None, "price": "2.00"}


def test_a_refused_message_is_kept_and_counted(connection: Connection) -> None:
    stream, topics = ShopStream(connection), Topics()
    good = topics.put("products", product_id=next(NUMBERS), name="x")
    stream.write(good, topics.send("products", {"product_id": 1}, b"\x00\xff broken"))
    assert stream.query("SELECT kafka_offset, reason, message_key, payload FROM shop.refused WHERE stream = %s", stream.id) == [
        (1, "not_json", '{"product_id": 1}', "\ufffd\ufffd broken")
    ]
    sums = "SELECT received, applied, superseded, tombstones, refused FROM shop.reading WHERE stream = %s AND received > 0"
    assert stream.query(sums, stream.id) == [(2, 1, 0, 0, 1)]


def test_a_database_that_is_older_than_the_checkpoint_is_noticed(connection: Connection) -> None:
    stream, topics = ShopStream(connection, number=7), Topics()
    with pytest.raises(CannotResume, match="from-earliest-retained"):
        stream.write(topics.put("carts", cart_id=1, customer_id=1))
    stream.number = 0
    stream.write(topics.put("carts", cart_id=1, customer_id=1))
    stream.ends["cdc.shop.carts"] += 1
    with pytest.raises(CannotResume, match="batch 1"):
        stream.write(topics.put("carts", cart_id=2, customer_id=1))


def test_a_stream_that_starts_before_the_first_message_goes_on(connection: Connection) -> None:
    stream, topics = ShopStream(connection), Topics()
    stream.write()
    stream.write()
    number = next(NUMBERS)
    stream.write(*make_order(number, topics))
    assert f"order:{number}:1" in stream.read_events()


def test_a_position_of_a_lost_database_makes_only_this_streams_events_unsent(connection: Connection) -> None:
    stream = ShopStream(connection)
    stream.write(*make_order(next(NUMBERS), Topics()))
    ((number,),) = stream.query("SELECT batch FROM shop.sent WHERE stream = %s LIMIT 1", stream.id)
    with connection, connection.cursor() as cursor:
        assert find_last_sent(cursor, {stream.id: number, "another": number + 9}, stream.id) == number
        assert find_last_sent(cursor, {stream.id: number + 1}, stream.id) == number - 1
        assert find_last_sent(cursor, {"of a database that is gone": 1}, stream.id) == number - 1
        assert find_last_sent(cursor, {}, "a stream without events") == 0
