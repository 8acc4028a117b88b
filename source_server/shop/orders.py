"""What becomes of an order: payments that fail and are tried again, parcels, cancellations, refunds, and new supplies."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from source_server.history.catalogue import SALE_DISCOUNT
from source_server.history.rhythm import is_sale
from source_server.shop import choices
from source_server.shop.choices import WeightedChoice, draw_pause
from source_server.shop.simulator import Process, Simulation
from source_server.shop.world import Customer, Line, Order, Product

METHODS, FAILURES, CARRIERS = WeightedChoice(choices.METHODS), WeightedChoice(choices.FAILURES), WeightedChoice(choices.CARRIERS)
CENT = Decimal("0.01")


def percent_of(money: Decimal, percent: int) -> Decimal:
    """Rounded half up to cents."""
    return (money * percent / 100).quantize(CENT, ROUND_HALF_UP)


def place_order(simulation: Simulation, customer: Customer, basket: Sequence[tuple[Product, int]]) -> Order:
    """Order, lines, first payment and stock in one transaction. The shop must have what is in the basket."""
    now, rng, new_ids = simulation.now, simulation.rng, simulation.world.new_ids
    percent = round(SALE_DISCOUNT * 100) if is_sale(now.date()) else 0
    if not percent and rng.random() < choices.VOUCHER_SHARE:
        percent = choices.VOUCHER_PERCENT
    lines = [
        Line(number, product.product_id, quantity, product.price, percent_of(product.price * quantity, percent))
        for number, (product, quantity) in enumerate(basket, start=1)
    ]
    order = Order(next(new_ids.orders), customer.customer_id, lines)
    simulation.world.orders += 1
    simulation.transaction.insert(
        "orders", order_id=order.order_id, customer_id=order.customer_id, status=order.status, total=order.total,
        currency=simulation.world.currency, placed_at=now, updated_at=now,
    )  # fmt: skip
    for line in lines:
        simulation.transaction.insert(
            "order_items", order_id=order.order_id, line=line.line, product_id=line.product_id, quantity=line.quantity,
            unit_price=line.unit_price, discount=line.discount, amount=line.amount,
        )  # fmt: skip
    _record_status(simulation, order)
    _insert_payment(simulation, order)
    for product, quantity in basket:
        _change_stock(simulation, product, -quantity)
        if product.stock < choices.LOW_STOCK:
            start_supply(simulation, product)
    simulation.counts["orders"] += 1
    return order


def fulfil(simulation: Simulation, order: Order) -> Process:
    """Everything that happens to the order from its present status on. It begins with a wait."""
    rng, pace = simulation.rng, simulation.pace
    if order.status == "placed":
        yield from _pay(simulation, order)
    if order.status == "paid":
        yield draw_pause(rng, pace.ship)
        if rng.random() < choices.CANCEL_SHARE:
            _cancel(simulation, order)
        else:
            _ship(simulation, order)
    if order.status == "shipped":
        yield draw_pause(rng, pace.deliver)
        _deliver(simulation, order)
        if rng.random() < choices.RETURN_SHARE:
            yield draw_pause(rng, pace.give_back)
            _give_back(simulation, order)


def _pay(simulation: Simulation, order: Order) -> Process:
    """Until a payment succeeds or the customer gives up."""
    rng, pace = simulation.rng, simulation.pace
    while True:
        if order.pending:
            yield draw_pause(rng, pace.transfer if order.method == "bank transfer" else pace.payment)
            if _end_payment(simulation, order):
                return
        yield draw_pause(rng, pace.payment)
        if order.attempts >= choices.MAX_ATTEMPTS or rng.random() >= choices.RETRY_SHARE:
            return _cancel(simulation, order)
        order.attempts += 1
        _insert_payment(simulation, order)


def _end_payment(simulation: Simulation, order: Order) -> bool:
    """Whether the payment succeeds; then the order is paid in the same transaction."""
    now, order.pending = simulation.now, False
    if simulation.rng.random() >= choices.FAILURE_SHARE:
        simulation.transaction.update("payments", order.payment_id, status="captured", updated_at=now)
        _set_status(simulation, order, "paid")
        return True
    failure = FAILURES.draw(simulation.rng)
    simulation.transaction.update("payments", order.payment_id, status="failed", failure=failure, updated_at=now)
    simulation.counts["failed payments"] += 1
    return False


def _insert_payment(simulation: Simulation, order: Order) -> None:
    order.payment_id, order.method = next(simulation.world.new_ids.payments), METHODS.draw(simulation.rng)
    order.pending = True
    simulation.transaction.insert(
        "payments", payment_id=order.payment_id, order_id=order.order_id, attempt=order.attempts, method=order.method,
        amount=order.total, status="pending", failure=None, created_at=simulation.now, updated_at=simulation.now,
    )  # fmt: skip


def _cancel(simulation: Simulation, order: Order) -> None:
    """The goods return to the stock, and a paid order is refunded."""
    if order.status == "paid":
        for line in order.lines:
            _refund(simulation, order, line, line.quantity, line.amount, "cancelled")
    for line in order.lines:
        _change_stock(simulation, simulation.world.products[line.product_id], line.quantity)
    _set_status(simulation, order, "cancelled")
    simulation.counts["cancelled orders"] += 1


def _ship(simulation: Simulation, order: Order) -> None:
    order.shipment_id, carrier = next(simulation.world.new_ids.shipments), CARRIERS.draw(simulation.rng)
    simulation.transaction.insert(
        "shipments", shipment_id=order.shipment_id, order_id=order.order_id, carrier=carrier,
        tracking_number=f"{carrier.upper()}{order.shipment_id:010}", status="sent", sent_at=simulation.now, delivered_at=None,
        updated_at=simulation.now,
    )  # fmt: skip
    _set_status(simulation, order, "shipped")


def _deliver(simulation: Simulation, order: Order) -> None:
    now = simulation.now
    simulation.transaction.update("shipments", order.shipment_id, status="delivered", delivered_at=now, updated_at=now)
    _set_status(simulation, order, "delivered")


def _give_back(simulation: Simulation, order: Order) -> None:
    """The whole order, or one line in part: some of its units, or some money for a damaged one."""
    rng = simulation.rng
    if rng.random() < choices.WHOLE_RETURN_SHARE:
        for line in order.lines:
            _take_back(simulation, order, line, line.quantity, line.amount)
        return _set_status(simulation, order, "refunded")
    line = rng.choice(order.lines)
    if rng.random() < choices.DAMAGED_SHARE or line.quantity == len(order.lines) == 1:
        return _refund(simulation, order, line, 1, percent_of(line.amount, choices.DAMAGED_PERCENT), "damaged")
    units = rng.randint(1, max(1, line.quantity - 1))
    money = (line.amount * units / line.quantity).quantize(CENT, ROUND_HALF_UP)
    return _take_back(simulation, order, line, units, money)


def _take_back(simulation: Simulation, order: Order, line: Line, quantity: int, amount: Decimal) -> None:
    _refund(simulation, order, line, quantity, amount, "returned")
    _change_stock(simulation, simulation.world.products[line.product_id], quantity)


def _refund(simulation: Simulation, order: Order, line: Line, quantity: int, amount: Decimal, reason: str) -> None:
    simulation.transaction.insert(
        "refunds", refund_id=next(simulation.world.new_ids.refunds), order_id=order.order_id, line=line.line, quantity=quantity,
        amount=amount, reason=reason, refunded_at=simulation.now,
    )  # fmt: skip
    simulation.counts["refunds"] += 1


def _set_status(simulation: Simulation, order: Order, status: str) -> None:
    order.status, order.positions = status, order.positions + 1
    simulation.transaction.update("orders", order.order_id, status=status, updated_at=simulation.now)
    _record_status(simulation, order)


def _record_status(simulation: Simulation, order: Order) -> None:
    simulation.transaction.insert(
        "order_status_history", order_id=order.order_id, position=order.positions, status=order.status, changed_at=simulation.now
    )


def _change_stock(simulation: Simulation, product: Product, units: int) -> None:
    product.stock += units
    simulation.transaction.update("products", product.product_id, stock=product.stock, updated_at=simulation.now)


# ---------------------------------------------------------------- supplies


def start_supply(simulation: Simulation, product: Product) -> None:
    if product.product_id not in simulation.supplies:
        simulation.supplies.add(product.product_id)
        simulation.start(_supply(simulation, product), draw_pause(simulation.rng, simulation.pace.supply))


def _supply(simulation: Simulation, product: Product) -> Process:
    """New units arrive, and a product that was off the shelf is sold again."""
    simulation.supplies.discard(product.product_id)
    if not product.active:
        product.active = True
        simulation.transaction.update("products", product.product_id, active=True, updated_at=simulation.now)
    _change_stock(simulation, product, simulation.rng.randint(choices.FEWEST_SUPPLY, choices.MOST_SUPPLY))
    yield from ()


def retire(simulation: Simulation, product: Product) -> None:
    """Take the product off the shelf and out of all carts until new units arrive."""
    product.active = False
    simulation.transaction.update("products", product.product_id, active=False, updated_at=simulation.now)
    for customer in simulation.world.customers.values():
        if customer.cart and customer.cart.items.pop(product.product_id, None):
            simulation.transaction.delete("cart_items", customer.cart.cart_id, product.product_id)
    start_supply(simulation, product)
