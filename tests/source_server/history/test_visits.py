"""A visit makes sense: it stays in its day, nothing is bought that is not in the cart."""

from __future__ import annotations

from collections import Counter
from datetime import date
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from source_server.history.catalogue import CATEGORIES, shelves
from source_server.history.customers import customers_until
from source_server.history.rows import PLACES, rows_of_visit
from source_server.history.visits import SECONDS_A_DAY, Visit, visit_on_day

SHELVES = shelves(1)
CUSTOMERS = customers_until(1, 300, 0)


@st.composite
def visits(draw: st.DrawFn) -> tuple[Visit, bool]:
    sale = draw(st.booleans())
    customer = draw(st.sampled_from(CUSTOMERS))
    return visit_on_day(Random(draw(st.integers(0, 2**32))), customer, SHELVES, sale), sale


@given(visits())
def test_seconds_grow_within_the_day(made: tuple[Visit, bool]) -> None:
    seconds = [event.second for event in made[0].events]
    assert seconds == sorted(set(seconds))
    assert 0 <= seconds[0] <= seconds[-1] < SECONDS_A_DAY


@given(visits())
@settings(max_examples=300)
def test_what_is_bought_lies_in_the_cart(made: tuple[Visit, bool]) -> None:
    cart: Counter[str] = Counter()
    bought = []
    assert made[0].events[0].event_type == "view"
    for event in made[0].events:
        product = event.product.product_id
        if event.event_type == "cart":
            cart[product] += 1
        elif event.event_type == "remove_from_cart":
            assert cart.pop(product)
        elif event.event_type == "purchase":
            assert event.quantity >= cart[product] > 0
            bought.append(product)
    assert bought in ([], list(cart)), "an order takes the whole cart, each product once"


@given(visits())
def test_a_row_says_what_the_visit_was(made: tuple[Visit, bool]) -> None:
    visit, sale = made
    rows = rows_of_visit(visit, date(2019, 10, 10), sale)
    for event, row in zip(visit.events, rows, strict=True):
        assert row.values[PLACES["price"]] == (event.product.sale_price if sale else event.product.price)
        assert row.values[PLACES["user_id"]] == visit.customer.user_id
        assert (row.values[PLACES["order_id"]] is not None) == (event.event_type == "purchase" and visit.order_id is not None)
        assert row.values[PLACES["quantity"]] == (str(event.quantity) if event.quantity > 1 else None)


def test_products_have_ids_of_their_own_and_prices_are_money() -> None:
    products = [product for shelf in SHELVES for product in shelf.products]
    assert len({product.product_id for product in products}) == len(products)
    assert {len(product.product_id) for product in products} == {8, 19}
    assert all(0 < float(product.sale_price) <= float(product.price) < 1e6 for product in products)
    assert len(CATEGORIES) >= 15
