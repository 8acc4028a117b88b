"""How the simulated people choose, and that the same seed does the same. No database."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from cdp.events import FIELD_NAMES, FIELDS
from source_server.history.customers import make_user_ids
from source_server.shop import choices
from source_server.shop.assortment import make_assortment
from source_server.shop.changes import Transaction
from source_server.shop.choices import REAL, Regulars, Shelves, draw_length
from source_server.shop.orders import fulfil, place_order
from source_server.shop.people import make_person
from source_server.shop.run import draw_history_starts, make_simulation
from source_server.shop.simulator import Simulation
from source_server.shop.visits import ACTIONS
from source_server.shop.world import Customer, Product, World, make_world

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
DAY = 86_400.0


def make_shop(customers: int = 40) -> World:
    goods = make_assortment(7, 30_000, 6, 60, START)
    codes = {row["category_id"]: row["code"] for row in goods.categories}
    products = [
        Product(row["product_id"], row["category_id"], codes[row["category_id"]], row["brand"], row["price"], row["stock"])
        for row in goods.products
    ]
    people = [make_person(number, START) for number in range(customers)]
    return make_world(products, [Customer(row["customer_id"], row["signed_up_at"], True) for row in people], "USD")


def make_empty_simulation(world: World, seed: int = 7) -> Simulation:
    return Simulation(world, seed, REAL, lambda second: START + timedelta(seconds=second))


def simulate(seed: int, days: int = 10, visits: int = 60) -> tuple[Simulation, list[Transaction]]:
    starts = draw_history_starts(seed, START, days, visits)
    simulation = make_simulation(make_shop(), seed, REAL, lambda second: START + timedelta(seconds=second), starts)
    return simulation, [transaction for _, transaction in simulation.run(days * DAY)]


def test_actions_have_their_weights() -> None:
    rng = Random(1)
    counts = Counter(ACTIONS.draw(rng) for _ in range(100_000))
    assert counts.keys() == choices.ACTIONS.keys()
    assert {action: counts[action] / 100_000 for action in counts} == pytest.approx(choices.ACTIONS, abs=0.01)


def test_people_do_what_they_chose_by_weight() -> None:
    simulation, _ = simulate(7, days=30)
    total = sum(simulation.counts[action] for action in choices.ACTIONS)
    shares = {action: simulation.counts[action] / total for action in choices.ACTIONS}
    assert shares["view"] == pytest.approx(0.40, abs=0.02)
    assert shares["cart"] == pytest.approx(0.20, abs=0.02)
    assert shares["browse"] == pytest.approx(0.05, abs=0.01)
    assert simulation.counts["new customers"] / simulation.counts["visits"] == pytest.approx(choices.NEWCOMER_SHARE, abs=0.02)
    assert simulation.counts["failed payments"] > 0
    assert simulation.counts["cancelled orders"] > 0
    assert simulation.counts["refunds"] > 0


def test_a_visit_has_about_eight_actions() -> None:
    rng = Random(1)
    assert sum(draw_length(rng) for _ in range(20_000)) / 20_000 == pytest.approx(choices.ACTIONS_A_VISIT, rel=0.05)


def test_the_same_seed_does_the_same_and_another_does_not() -> None:
    first, second, other = (simulate(seed, days=3)[1] for seed in (7, 7, 8))
    assert first == second
    assert first != other


def test_few_products_and_few_customers_have_most_of_the_visits() -> None:
    world, rng = make_shop(), Random(1)
    shelves, regulars = Shelves(world.products.values()), Regulars(world.customers.values())
    category = next(iter(world.products.values())).category_id
    ranked = [product.product_id for product in world.products.values() if product.category_id == category]
    views = Counter(shelves.draw(rng, (category, category)) for _ in range(20_000))
    assert views[ranked[0]] > 1.5 * views[ranked[5]] > 1.5 * 1.2 * views[ranked[-1]]
    visitors = Counter(regulars.draw(rng).customer_id for _ in range(20_000)).most_common()
    assert sum(count for _, count in visitors[:8]) > 20_000 * 0.35


def test_visits_follow_the_hours_and_the_week() -> None:
    starts = list(draw_history_starts(7, START, 28, 400))
    assert starts == sorted(starts)
    times = [START + timedelta(seconds=start) for start in starts]
    hours, days = Counter(time.hour for time in times), Counter(time.weekday() for time in times if time < START + timedelta(28))
    assert hours[18] > 3 * hours[2]
    assert days[5] > days[0]


def test_a_history_keeps_stock_carts_and_totals() -> None:
    simulation, transactions = simulate(7, days=30)
    changes = [change for transaction in transactions for change in transaction.changes]
    assert all(change.values.get("stock", 0) >= 0 for change in changes)
    inserts = [change for change in changes if change.kind == "insert"]
    totals = {change.key[0]: change.values["total"] for change in inserts if change.table.name == "orders"}
    sums: Counter[int] = Counter()
    for change in inserts:
        if change.table.name == "order_items":
            sums[change.key[0]] += change.values["amount"]
    assert len(totals) > 100
    assert totals == sums
    live = {product.product_id for product in simulation.world.products.values() if product.active}
    assert {product for one in simulation.world.customers.values() if one.cart for product in one.cart.items} <= live


def test_events_of_visits_fit_the_contract() -> None:
    _, transactions = simulate(7, days=3)
    events = [event for transaction in transactions for event in transaction.events]
    assert {event["event_type"] for event in events} == {"view", "cart", "remove_from_cart"}
    assert len({event["event_id"] for event in events}) == len(events) > 500
    needed = {field.name for field in FIELDS if field.required}
    for event in events:
        assert needed <= event.keys() <= set(FIELD_NAMES)
        assert all(event.values())


def test_an_order_is_one_transaction() -> None:
    _, transactions = simulate(7, days=3)
    ordering = [one for one in transactions if any(change.kind == "insert" for change in one.of("orders"))]
    assert ordering
    for transaction in ordering:
        order = next(change for change in transaction.of("orders"))
        lines = list(transaction.of("order_items"))
        assert [change.key for change in lines] == [(order.key[0], number) for number in range(1, len(lines) + 1)]
        assert [change.values["status"] for change in transaction.of("payments")] == ["pending"]
        assert [change.values["status"] for change in transaction.of("order_status_history")] == ["placed"]
        assert {change.key[0] for change in transaction.of("products")} == {change.values["product_id"] for change in lines}


# ---------------------------------------------------------------- one order


def follow(world: World, quantity: int = 3) -> tuple[list[Transaction], Product]:
    """An order of one product to its end."""
    simulation = make_empty_simulation(world)
    customer, product = next(iter(world.customers.values())), next(iter(world.products.values()))
    simulation.start(fulfil(simulation, place_order(simulation, customer, [(product, quantity)])))
    return [transaction for _, transaction in simulation.run()], product


def list_statuses(transactions: list[Transaction]) -> list[str]:
    return [change.values["status"] for transaction in transactions for change in transaction.of("order_status_history")]


def test_an_order_that_is_never_paid_is_cancelled_and_its_goods_return(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "FAILURE_SHARE", 1.0)
    monkeypatch.setattr(choices, "RETRY_SHARE", 1.0)
    world = make_shop()
    before = next(iter(world.products.values())).stock
    transactions, product = follow(world)
    failed = [change.values["status"] for transaction in transactions for change in transaction.of("payments")]
    assert failed == ["failed", "pending", "failed", "pending", "failed"]
    assert list_statuses(transactions) == ["cancelled"]
    assert product.stock == before
    assert not [change for transaction in transactions for change in transaction.of("refunds")]


def test_an_order_that_is_cancelled_after_its_payment_is_refunded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "FAILURE_SHARE", 0.0)
    monkeypatch.setattr(choices, "CANCEL_SHARE", 1.0)
    transactions, _ = follow(make_shop())
    refunds = [change.values for transaction in transactions for change in transaction.of("refunds")]
    assert list_statuses(transactions) == ["paid", "cancelled"]
    assert [(refund["line"], refund["quantity"], refund["reason"]) for refund in refunds] == [(1, 3, "cancelled")]


@pytest.mark.parametrize(("whole", "damaged"), [(1.0, 0.0), (0.0, 0.0), (0.0, 1.0)])
def test_goods_are_given_back_whole_or_in_part(whole: float, damaged: float, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, share in {
        "FAILURE_SHARE": 0.0, "CANCEL_SHARE": 0.0, "RETURN_SHARE": 1.0, "VOUCHER_SHARE": 0.0,
        "WHOLE_RETURN_SHARE": whole, "DAMAGED_SHARE": damaged,
    }.items():  # fmt: skip
        monkeypatch.setattr(choices, name, share)
    transactions, product = follow(make_shop())
    (refund,) = [change.values for transaction in transactions for change in transaction.of("refunds")]
    assert list_statuses(transactions) == ["paid", "shipped", "delivered", *(["refunded"] if whole else [])]
    if whole:
        assert (refund["quantity"], refund["amount"], refund["reason"]) == (3, product.price * 3, "returned")
    elif damaged:
        assert (refund["quantity"], refund["reason"]) == (1, "damaged")
        assert refund["amount"] == (product.price * 3 * Decimal("0.3")).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    else:
        assert refund["amount"] == product.price * refund["quantity"] < product.price * 3


def test_a_failed_payment_that_was_loaded_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "FAILURE_SHARE", 0.0)
    monkeypatch.setattr(choices, "RETRY_SHARE", 1.0)
    world = make_shop()
    simulation = make_empty_simulation(world)
    order = place_order(simulation, next(iter(world.customers.values())), [(next(iter(world.products.values())), 1)])
    order.pending = False
    simulation.start(fulfil(simulation, order))
    transactions = [transaction for _, transaction in simulation.run()]
    payments = [(change.kind, change.values["status"]) for transaction in transactions for change in transaction.of("payments")]
    assert payments == [("insert", "pending"), ("update", "captured")]


# ---------------------------------------------------------------- who


def test_customers_have_the_ids_of_the_generated_history() -> None:
    import numpy as np

    people = [make_person(number, START) for number in range(300)]
    assert [str(row["customer_id"]) for row in people] == make_user_ids(np.arange(300)).to_pylist()
    assert len({row["email"] for row in people}) == 300
    assert all(row["email"].isascii() for row in people)
