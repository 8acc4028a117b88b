"""The SQL of the rules. Each kind has a text that finds what fulfils a rule, and one that collects the evidence for a row of it.

A row has `subject`, `customer_id`, `happened_at`, and what the evidence needs. Rules that count things within a time report the
moment at which the limit is exceeded: the thing with which the count exceeds it, if it did not with the thing before. So what
is reported does not depend on when the rule is evaluated.

Values that the texts take, beside the parameters of the kind:
- `since`: only what happened then or later;
- `customers`: only these customers; null: all;
- `baskets`: only orders with these products, by the hash of the products; null: all.
"""

from __future__ import annotations

from cdp.mart.live import ORDER
from cdp.mart.shop import CUSTOMER, PAYMENT
from cdp.mart.shop import ORDER as SHOP_ORDER

#: Orders or payments that an alert shows.
MOST_SHOWN = 50
_SPAN = "make_interval(mins => %(minutes)s)"
#: A limit is exceeded at a row if enough rows lie within the time before it. Whether it was exceeded at the row before depends
#: on rows of twice the time.
_BEGIN = f"%(since)s::timestamptz - 2 * {_SPAN}"
_OF_CUSTOMERS = "(%(customers)s::text[] IS NULL OR customer_id = ANY (%(customers)s::text[]))"
_OF_BASKETS = "(%(baskets)s::int[] IS NULL OR jsonb_hash(products) = ANY (%(baskets)s::int[]))"
#: When a payment got its present status.
PAID_AT = "coalesce(p.updated_at, p.created_at)"
BASKET = "jsonb_hash(products)"


def _orders(where: str) -> str:
    """The orders of the stream "live" since the beginning."""
    columns = f"customer_id, order_id AS id, ordered_at AS at, products, {BASKET} AS basket"
    return f"SELECT {columns} FROM {ORDER.full_name} WHERE ordered_at > {_BEGIN} AND {where}"


def _find_crossings(rows: str, partition: str, steps: str, also: str = "true") -> str:
    """Rows with which a count within the time reaches its limit. The row `steps` before is the first one that counts."""
    return f"""
        SELECT customer_id || '/' || id AS subject, at AS happened_at, judged.* FROM (
            SELECT *,
                lag(at, {steps}) OVER w > at - {_SPAN} AS is_over,
                lag(at, {steps} + 1) OVER w > lag(at) OVER w - {_SPAN} AS was_over,
                lag(at) OVER w AS at_before, lag(id) OVER w AS id_before, lag(customer_id) OVER w AS customer_before
            FROM ({rows}) counted
            WINDOW w AS (PARTITION BY {partition} ORDER BY at, id, customer_id)) judged
        WHERE at >= %(since)s AND is_over AND {also}"""


_NOT_BEFORE = "was_over IS NOT TRUE"
_SAME_BASKET = f"{BASKET} = f.basket AND products = f.products"
_WITHIN = f"ordered_at > f.at - {_SPAN} AND (ordered_at, order_id, customer_id) <= (f.at, f.id, f.customer_id)"


def _show_orders(where: str) -> str:
    """The latest orders of the evidence, oldest first. Money is text: a number of JSON may lose digits."""
    return f"""(SELECT jsonb_agg(shown ORDER BY shown.at, shown.order_id) FROM (
        SELECT order_id, customer_id, ordered_at AS at, amount::text AS amount, products
        FROM {ORDER.full_name} WHERE {where} ORDER BY ordered_at DESC, order_id DESC LIMIT {MOST_SHOWN}) shown)"""


_ONE_ORDER = f"jsonb_build_object('orders', {_show_orders('(order_id, customer_id) = (f.id, f.customer_id)')})"

FREQUENCY = _find_crossings(_orders(_OF_CUSTOMERS), "customer_id", "%(orders)s", _NOT_BEFORE)
FREQUENCY_EVIDENCE = f"jsonb_build_object('orders', {_show_orders(f'customer_id = f.customer_id AND {_WITHIN}')})"

AMOUNT = f"""
    SELECT customer_id || '/' || order_id AS subject, customer_id, ordered_at AS happened_at, order_id AS id
    FROM {ORDER.full_name}
    WHERE ordered_at >= %(since)s AND amount > %(amount)s::numeric AND {_OF_CUSTOMERS}"""
AMOUNT_EVIDENCE = _ONE_ORDER

_LARGE_ENOUGH = f"jsonb_array_length(products) >= %(products)s AND {_OF_BASKETS}"
REPEATED_BASKET = _find_crossings(_orders(_LARGE_ENOUGH), "customer_id, basket, products", "%(orders)s - 1", _NOT_BEFORE)
REPEATED_BASKET_EVIDENCE = (
    f"jsonb_build_object('orders', {_show_orders(f'{_SAME_BASKET} AND customer_id = f.customer_id AND {_WITHIN}')})"
)


def _has_customers(at: str, order_id: str, customer_id: str) -> str:
    """Whether enough different customers have ordered the basket up to this order."""
    return f"""(SELECT count(DISTINCT o.customer_id) >= %(different)s FROM {ORDER.full_name} o
        WHERE {BASKET} = judged.basket AND o.products = judged.products AND o.ordered_at > {at} - {_SPAN}
        AND (o.ordered_at, o.order_id, o.customer_id) <= ({at}, {order_id}, {customer_id}))"""


#: Few orders have enough orders of the same basket before them; only their customers are counted.
SHARED_BASKET = _find_crossings(
    _orders(_LARGE_ENOUGH),
    "basket, products",
    "%(different)s - 1",
    f"{_has_customers('at', 'id', 'judged.customer_id')}"
    f" AND NOT (was_over IS TRUE AND {_has_customers('at_before', 'id_before', 'customer_before')})",
)
SHARED_BASKET_EVIDENCE = f"jsonb_build_object('orders', {_show_orders(f'{_SAME_BASKET} AND {_WITHIN}')})"

#: Failed payments between two captured ones of a customer have the same number of captured ones before them.
_FAILURES = f"""
    SELECT * FROM (
        SELECT o.customer_id, p.payment_id AS id, {PAID_AT} AS at, p.status,
            count(*) FILTER (WHERE p.status = 'captured')
                OVER (PARTITION BY o.customer_id ORDER BY {PAID_AT}, p.payment_id) AS captured
        FROM {PAYMENT.full_name} p JOIN {SHOP_ORDER.full_name} o USING (order_id)
        WHERE p.status IN ('failed', 'captured') AND {PAID_AT} > {_BEGIN} AND {_OF_CUSTOMERS}) ended
    WHERE status = 'failed'"""
FAILED_PAYMENTS = _find_crossings(_FAILURES, "customer_id, captured", "%(payments)s - 1", _NOT_BEFORE)
FAILED_PAYMENTS_EVIDENCE = f"""jsonb_build_object('payments', (
    SELECT jsonb_agg(shown ORDER BY shown.at, shown.payment_id) FROM (
        SELECT p.payment_id, p.order_id, {PAID_AT} AS at, p.amount::text AS amount, p.method, p.failure
        FROM {PAYMENT.full_name} p JOIN {SHOP_ORDER.full_name} o USING (order_id)
        WHERE o.customer_id = f.customer_id AND p.status = 'failed' AND ({PAID_AT}, p.payment_id) <= (f.at, f.id)
        ORDER BY {PAID_AT} DESC, p.payment_id DESC LIMIT least(%(payments)s, {MOST_SHOWN})) shown))"""

NEW_ACCOUNT = f"""
    SELECT customer_id || '/' || order_id AS subject, customer_id, ordered_at AS happened_at, order_id AS id, signed_up_at
    FROM {ORDER.full_name} JOIN {CUSTOMER.full_name} USING (customer_id)
    WHERE ordered_at >= %(since)s AND amount > %(amount)s::numeric AND {_OF_CUSTOMERS}
    AND ordered_at >= signed_up_at AND ordered_at < signed_up_at + make_interval(hours => %(hours)s)"""
NEW_ACCOUNT_EVIDENCE = f"jsonb_build_object('signed_up_at', f.signed_up_at) || {_ONE_ORDER}"
