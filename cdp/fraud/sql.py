"""The SQL of the rules. Each kind has a text that finds what fulfils a rule, and one that collects the evidence for a row of it.

A row has `subject`, `customer_id`, `happened_at`, and what the evidence needs. Rules that count things within a time report the
moment at which the limit is exceeded: the thing with which the count exceeds it, if it did not with the thing before. So what
is reported does not depend on when the rule is evaluated.

Values that the texts take, beside the parameters of the kind:
- `since`: only what happened then or later;
- `customers`: only these customers; null: all;
- `baskets`: only orders with these products, by the hash of the products; null: all.

A trial reads a month of orders. Orders of a customer therefore come from an index that has all that is needed, and products or
payments are read only for customers who may fulfil the rule.
"""

from __future__ import annotations

from cdp.mart.live import ORDER
from cdp.mart.shop import CUSTOMER, PAYMENT
from cdp.mart.shop import ORDER as SHOP_ORDER

#: Orders or payments that an alert shows.
MOST_SHOWN = 50
#: The products of an order in 64 bits: no two baskets of a shop are equal by accident.
BASKET = "jsonb_hash_extended(products, 0)"
#: When a payment got its present status.
PAID_AT = "coalesce(p.updated_at, p.created_at)"
_SPAN = "make_interval(mins => %(minutes)s)"
#: A limit is exceeded at a row if enough rows lie within the time before it. Whether it was exceeded at the row before depends
#: on rows of twice the time.
_BEGIN = f"%(since)s::timestamptz - 2 * {_SPAN}"
_OF_CUSTOMERS = "(%(customers)s::text[] IS NULL OR customer_id = ANY (%(customers)s::text[]))"
_OF_BASKETS = f"(%(baskets)s::bigint[] IS NULL OR {BASKET} = ANY (%(baskets)s::bigint[]))"
_ORDERS = f"SELECT customer_id, order_id AS id, ordered_at AS at FROM {ORDER.full_name} WHERE ordered_at > {_BEGIN}"


def _find_crossings(rows: str, partition: str, steps: str) -> str:
    """Rows with which a count within the time reaches its limit. The row `steps` before is the first one that counts."""
    return f"""
        SELECT customer_id || '/' || id AS subject, at AS happened_at, judged.* FROM (
            SELECT *,
                lag(at, {steps}) OVER w > at - {_SPAN} AS is_over,
                lag(at, {steps} + 1) OVER w > lag(at) OVER w - {_SPAN} AS was_over
            FROM ({rows}) counted
            WINDOW w AS (PARTITION BY {partition} ORDER BY at, id)) judged
        WHERE at >= %(since)s AND is_over AND was_over IS NOT TRUE"""


def _show_orders(where: str) -> str:
    """The latest orders of the evidence, oldest first. Money is text: a number of JSON may lose digits."""
    return f"""jsonb_build_object('orders', (SELECT jsonb_agg(shown ORDER BY shown.at, shown.order_id) FROM (
        SELECT order_id, customer_id, ordered_at AS at, amount::text AS amount, products
        FROM {ORDER.full_name} WHERE {where} ORDER BY ordered_at DESC, order_id DESC LIMIT {MOST_SHOWN}) shown))"""


_ONE_ORDER = _show_orders("(order_id, customer_id) = (f.id, f.customer_id)")
_UNTIL = f"ordered_at > f.at - {_SPAN} AND (ordered_at, order_id) <= (f.at, f.id)"

FREQUENCY = _find_crossings(f"{_ORDERS} AND {_OF_CUSTOMERS}", "customer_id", "%(orders)s")
FREQUENCY_EVIDENCE = _show_orders(f"customer_id = f.customer_id AND {_UNTIL}")

AMOUNT = f"""
    SELECT customer_id || '/' || order_id AS subject, customer_id, ordered_at AS happened_at, order_id AS id
    FROM {ORDER.full_name}
    WHERE ordered_at >= %(since)s AND amount > %(amount)s::numeric AND {_OF_CUSTOMERS}"""
AMOUNT_EVIDENCE = _ONE_ORDER

#: An order with no other one of its customer near it can't be one of several.
_NEAR_OTHERS = f"""
    SELECT customer_id, id, at, {BASKET} AS basket FROM (
        SELECT *, lag(at) OVER w > at - {_SPAN} OR lead(at) OVER w < at + {_SPAN} AS is_near
        FROM ({_ORDERS} AND {_OF_CUSTOMERS}) every
        WINDOW w AS (PARTITION BY customer_id ORDER BY at, id)) every
    JOIN {ORDER.full_name} o USING (customer_id)
    WHERE is_near AND o.order_id = id AND jsonb_array_length(products) >= %(products)s"""
REPEATED_BASKET = _find_crossings(_NEAR_OTHERS, "customer_id, basket", "%(orders)s - 1")
REPEATED_BASKET_EVIDENCE = _show_orders(f"customer_id = f.customer_id AND {BASKET} = f.basket AND {_UNTIL}")

#: Orders at the same moment count together. The time is exclusive, and Postgres' frame is not.
_BASKETS = f"""
    SELECT customer_id, order_id AS id, ordered_at AS at, {BASKET} AS basket, array_agg(customer_id) OVER (
        PARTITION BY {BASKET} ORDER BY ordered_at
        RANGE BETWEEN {_SPAN} - interval '1 microsecond' PRECEDING AND CURRENT ROW) AS customers
    FROM {ORDER.full_name}
    WHERE ordered_at > {_BEGIN} AND jsonb_array_length(products) >= %(products)s AND {_OF_BASKETS}"""
_IS_SHARED = """
    CASE WHEN cardinality(customers) >= %(different)s
        THEN (SELECT count(DISTINCT customer) >= %(different)s FROM unnest(customers) customer) ELSE false END"""
SHARED_BASKET = f"""
    SELECT customer_id || '/' || id AS subject, at AS happened_at, customer_id, id, at, basket FROM (
        SELECT *, lag(is_over) OVER (PARTITION BY basket ORDER BY at, id, customer_id) AS was_over
        FROM (SELECT customer_id, id, at, basket, {_IS_SHARED} AS is_over FROM ({_BASKETS}) counted) counted) judged
    WHERE at >= %(since)s AND is_over AND was_over IS NOT TRUE"""
SHARED_BASKET_EVIDENCE = _show_orders(f"{BASKET} = f.basket AND ordered_at > f.at - {_SPAN} AND ordered_at <= f.at")

_FAILED = f"""
    SELECT o.customer_id FROM {PAYMENT.full_name} p JOIN {SHOP_ORDER.full_name} o USING (order_id)
    WHERE p.status = 'failed' AND {PAID_AT} > {_BEGIN} AND {_OF_CUSTOMERS}
    GROUP BY o.customer_id HAVING count(*) >= %(payments)s"""
#: Failed payments between two captured ones of a customer have the same number of captured ones before them.
_ROWS_OF_FAILURES = f"""
    SELECT * FROM (
        SELECT o.customer_id, p.payment_id AS id, {PAID_AT} AS at, p.status,
            count(*) FILTER (WHERE p.status = 'captured')
                OVER (PARTITION BY o.customer_id ORDER BY {PAID_AT}, p.payment_id) AS captured
        FROM ({_FAILED}) suspects
        JOIN {SHOP_ORDER.full_name} o USING (customer_id) JOIN {PAYMENT.full_name} p USING (order_id)
        WHERE p.status IN ('failed', 'captured') AND {PAID_AT} > {_BEGIN}) ended
    WHERE status = 'failed'"""
FAILED_PAYMENTS = _find_crossings(_ROWS_OF_FAILURES, "customer_id, captured", "%(payments)s - 1")
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
