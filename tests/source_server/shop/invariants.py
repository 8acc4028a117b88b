"""What is always true in the shop's database: each query returns the rows that contradict it."""

from __future__ import annotations

INVARIANTS = {
    "an order's total is the sum of its lines": """
        SELECT order_id FROM shop.orders LEFT JOIN shop.order_items USING (order_id)
        GROUP BY order_id, total HAVING total IS DISTINCT FROM sum(amount)""",
    "an order that was ever paid has one captured payment of its total, and no other order has one": """
        SELECT order_id FROM shop.orders o
        WHERE coalesce((SELECT sum(amount) FROM shop.payments p WHERE p.order_id = o.order_id AND status = 'captured'), 0)
          IS DISTINCT FROM CASE WHEN EXISTS (SELECT FROM shop.order_status_history h WHERE h.order_id = o.order_id
                                             AND h.status = 'paid') THEN total ELSE 0 END""",
    "the stock is never negative": "SELECT product_id FROM shop.products WHERE stock < 0",
    "refunds of an order are at most what was paid": """
        SELECT order_id FROM shop.refunds r GROUP BY order_id
        HAVING sum(amount) > (SELECT coalesce(sum(p.amount), 0) FROM shop.payments p
                              WHERE p.order_id = r.order_id AND status = 'captured')""",
    "refunds of a line are at most the line": """
        SELECT order_id, line FROM shop.order_items i
        JOIN (SELECT order_id, line, sum(quantity) AS units, sum(amount) AS money FROM shop.refunds GROUP BY 1, 2) r
        USING (order_id, line) WHERE units > quantity OR money > amount""",
    "a refunded order, and one that was cancelled after its payment, got all its money back": """
        SELECT order_id FROM shop.orders o
        WHERE (status = 'refunded' OR status = 'cancelled' AND EXISTS (
                 SELECT FROM shop.order_status_history h WHERE h.order_id = o.order_id AND h.status = 'paid'))
          AND total IS DISTINCT FROM (SELECT sum(amount) FROM shop.refunds r WHERE r.order_id = o.order_id)""",
    "the history of a status has the positions 1 to n, and its times do not go back": """
        SELECT order_id FROM (SELECT order_id, position, row_number() OVER w AS expected, changed_at,
                                     lag(changed_at) OVER w AS before
                              FROM shop.order_status_history WINDOW w AS (PARTITION BY order_id ORDER BY position)) h
        WHERE position <> expected OR changed_at < before""",
    "each status follows one that it may follow": """
        SELECT order_id FROM (SELECT order_id, status, lag(status) OVER (PARTITION BY order_id ORDER BY position) AS before
                              FROM shop.order_status_history) h
        WHERE (coalesce(before, ''), status) NOT IN (('', 'placed'), ('placed', 'paid'), ('placed', 'cancelled'),
          ('paid', 'shipped'), ('paid', 'cancelled'), ('shipped', 'delivered'), ('delivered', 'refunded'))""",
    "the status of an order is the last of its history": """
        SELECT order_id FROM shop.orders o
        WHERE status IS DISTINCT FROM (SELECT status FROM shop.order_status_history h WHERE h.order_id = o.order_id
                                       ORDER BY position DESC LIMIT 1)""",
    "an order has a parcel exactly if it was sent": """
        SELECT order_id FROM shop.orders LEFT JOIN shop.shipments s USING (order_id)
        WHERE (orders.status IN ('shipped', 'delivered', 'refunded')) <> (s.order_id IS NOT NULL)""",
    "attempts to pay are numbered, and only the last is not failed": """
        SELECT order_id FROM (SELECT order_id, attempt, status, row_number() OVER w AS expected, lead(attempt) OVER w AS next
                              FROM shop.payments WINDOW w AS (PARTITION BY order_id ORDER BY attempt)) p
        WHERE attempt <> expected OR (next IS NOT NULL AND status <> 'failed')""",
    "a line of a cart refers to a product that is sold, in an open cart": """
        SELECT cart_id FROM shop.cart_items JOIN shop.products USING (product_id) JOIN shop.carts USING (cart_id)
        WHERE NOT active OR carts.status <> 'open'""",
}
