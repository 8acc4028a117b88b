"""Visits: a person comes, looks at products, fills a cart and a wishlist, and sometimes orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from uuid import UUID

from source_server.shop import choices
from source_server.shop.changes import Event
from source_server.shop.choices import WeightedChoice, draw_length, draw_pause
from source_server.shop.orders import fulfil, place_order, retire
from source_server.shop.people import make_customer_id, make_person
from source_server.shop.recommendations import Page
from source_server.shop.simulator import Process, Simulation
from source_server.shop.world import Cart, Customer, Product

ACTIONS = WeightedChoice(choices.ACTIONS)
MAX_DRAWS = 30
#: The kind of page on which an action ends, if that page has recommendations.
PLACES = {"browse": "home", "view": "product", "cart": "cart"}


def receive_visitors(simulation: Simulation, starts: Iterator[float]) -> Process:
    """A visit at each of these seconds, which grow."""
    second = 0.0
    for start in starts:
        yield start - second
        second = start
        simulation.start(Visit(simulation).go())


class Visit:
    """One visit of one person."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._rng = simulation.rng
        self._session = str(UUID(int=self._rng.getrandbits(128)))
        self._event_count = 0
        self._current: Product | None = None  # the product that the visitor looks at

    def go(self) -> Process:
        self._customer = self._choose_customer()
        self._favourites = self._simulation.shelves.find_favourites(self._customer.customer_id)
        self._simulation.counts["visits"] += 1
        for _ in range(draw_length(self._rng)):
            action = ACTIONS.draw(self._rng)
            self._simulation.counts[action] += 1
            has_ordered = self._ACTIONS[action](self)
            if has_ordered and self._rng.random() < choices.LEAVE_AFTER_ORDER_SHARE:
                break
            yield draw_pause(self._rng, self._simulation.pace.pause)
            self._look_at_recommendations(action)
        if self._rng.random() < choices.RETIRE_SHARE:
            self._retire_product()

    def _choose_customer(self) -> Customer:
        """A person who signs up now, or one who has an account."""
        if self._rng.random() < choices.NEWCOMER_SHARE:
            return self._sign_up()
        customer = self._draw_regular()
        if customer is None:
            return self._sign_up()
        if self._rng.random() < choices.CONSENT_CHANGE_SHARE:
            customer.marketing_consent = not customer.marketing_consent
            self._simulation.transaction.update(
                "customers", customer.customer_id, marketing_consent=customer.marketing_consent, updated_at=self._simulation.now
            )
        return customer

    def _draw_regular(self) -> Customer | None:
        """None if hardly anybody has an account yet, at the beginning of a long history."""
        for _ in range(MAX_DRAWS):
            customer = self._simulation.regulars.draw(self._rng)
            if customer.signed_up_at <= self._simulation.now:
                return customer
        return None

    def _sign_up(self) -> Customer:
        customers = self._simulation.world.customers
        number = len(customers)
        while make_customer_id(number) in customers:
            number += 1
        row = make_person(number, self._simulation.now)
        customer = Customer(row["customer_id"], row["signed_up_at"], row["marketing_consent"])
        customers[customer.customer_id] = customer
        self._simulation.regulars.add(customer)
        self._simulation.transaction.insert("customers", **row)
        self._simulation.counts["new customers"] += 1
        return customer

    # ------------------------------------------------------------ actions; each returns whether something was ordered

    def _view(self) -> bool:
        product = self._simulation.world.products[self._simulation.shelves.draw(self._rng, self._favourites)]
        self._current = product
        self._send("view", product)
        return False

    def _put_into_cart(self) -> bool:
        product = self._look_at_something()
        quantity = self._rng.randint(2, 4) if self._rng.random() < choices.SEVERAL_SHARE else 1
        if not product.active or product.stock < quantity:
            return False
        now, transaction = self._simulation.now, self._simulation.transaction
        cart = self._customer.cart or self._open_cart()
        if product.product_id in cart.items:
            quantity += cart.items[product.product_id]
            transaction.update("cart_items", cart.cart_id, product.product_id, quantity=quantity)
        else:
            transaction.insert("cart_items", cart_id=cart.cart_id, product_id=product.product_id, quantity=quantity, added_at=now)
        cart.items[product.product_id] = quantity
        transaction.update("carts", cart.cart_id, updated_at=now)
        self._send("cart", product)
        return False

    def _wish(self) -> bool:
        product = self._look_at_something()
        if product.product_id not in self._customer.wishes:
            self._customer.wishes[product.product_id] = None
            self._simulation.transaction.insert(
                "wishlists",
                customer_id=self._customer.customer_id,
                product_id=product.product_id,
                added_at=self._simulation.now,
            )
        return False

    def _remove(self) -> bool:
        """From the cart; if that is empty, from the wishlist."""
        transaction, cart = self._simulation.transaction, self._customer.cart
        if cart and cart.items:
            product_id = self._rng.choice(list(cart.items))
            del cart.items[product_id]
            transaction.delete("cart_items", cart.cart_id, product_id)
            transaction.update("carts", cart.cart_id, updated_at=self._simulation.now)
            self._send("remove_from_cart", self._simulation.world.products[product_id])
        elif self._customer.wishes:
            product_id = self._rng.choice(list(self._customer.wishes))
            del self._customer.wishes[product_id]
            transaction.delete("wishlists", self._customer.customer_id, product_id)
        return False

    def _order(self) -> bool:
        """What is in the cart; if that is empty, the product that the visitor looks at. Sold out products drop out."""
        cart, products = self._customer.cart, self._simulation.world.products
        items = dict(cart.items) if cart and cart.items else {self._look_at_something().product_id: 1}
        candidates = [(products[product_id], quantity) for product_id, quantity in items.items()]
        basket = [(product, min(quantity, product.stock)) for product, quantity in candidates if product.active and product.stock]
        if not basket:
            return False
        if cart and cart.items:
            self._close_cart(cart)
        order = place_order(self._simulation, self._customer, basket)
        self._simulation.start(fulfil(self._simulation, order))
        return True

    def _browse(self) -> bool:
        """Looks at a list of products, which neither the database nor the contract of events knows."""
        return False

    _ACTIONS: Mapping[str, Callable[[Visit], bool]] = {
        "view": _view,
        "cart": _put_into_cart,
        "wishlist": _wish,
        "remove": _remove,
        "order": _order,
        "browse": _browse,
    }

    # ------------------------------------------------------------ helpers

    def _look_at_recommendations(self, action: str) -> None:
        """A click leads to the product's page, from which the visit goes on."""
        recommender, place, products = self._simulation.recommender, PLACES.get(action), self._simulation.world.products
        if recommender is None or place is None:
            return
        current, cart = self._current, self._customer.cart
        liked = {*self._favourites, *([current.category_id] if current else [])}
        page = Page(
            place, self._customer.customer_id, current.product_id if current else None, list(cart.items) if cart else [], liked
        )
        clicked = recommender.offer(page, products)
        if clicked:
            self._simulation.counts["clicks on recommendations"] += 1
            self._current = clicked
            self._send("view", clicked)

    def _look_at_something(self) -> Product:
        if self._current is None:
            self._view()
        assert self._current is not None
        return self._current

    def _open_cart(self) -> Cart:
        now, cart = self._simulation.now, Cart(next(self._simulation.world.new_ids.carts))
        self._customer.cart = cart
        self._simulation.transaction.insert(
            "carts", cart_id=cart.cart_id, customer_id=self._customer.customer_id, status="open", created_at=now, updated_at=now
        )
        return cart

    def _close_cart(self, cart: Cart) -> None:
        for product_id in cart.items:
            self._simulation.transaction.delete("cart_items", cart.cart_id, product_id)
        self._simulation.transaction.update("carts", cart.cart_id, status="ordered", updated_at=self._simulation.now)
        self._customer.cart = None

    def _retire_product(self) -> None:
        product = self._simulation.world.products[self._simulation.shelves.draw(self._rng, self._favourites)]
        if product.active:
            retire(self._simulation, product)

    def _send(self, kind: str, product: Product) -> None:
        """An event as the shop's pages would send it."""
        self._event_count += 1
        event: Event = {
            "event_time": self._simulation.now.astimezone(UTC).isoformat(),
            "event_type": kind,
            "event_id": f"{kind}:{self._session}:{self._event_count}",
            "product_id": str(product.product_id),
            "category_id": str(product.category_id),
            "category_code": product.category_code,
            "price": str(product.price),
            "user_id": str(self._customer.customer_id),
            "user_session": self._session,
            "source": "shop",
        }
        self._simulation.transaction.events.append(event | ({"brand": product.brand} if product.brand else {}))
