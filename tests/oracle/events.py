"""Turns messages into typed events, each once. `messages` is a table of texts; `place` is the order of receipt."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.oracle.customers import half_up

#: The fields of a message that the queries need.
FIELDS = (
    "event_time", "event_type", "product_id", "category_code", "brand", "price", "user_id", "user_session", "quantity",
    "order_id", "amount", "event_id",
)  # fmt: skip

#: `money` is the value of a line, negative for a refund. If an event came twice for a customer's day, the first one counts.
EVENTS_SQL = f"""
CREATE TABLE events AS
WITH typed AS (
    SELECT *, strptime(replace(event_time, ' UTC', ''), '%Y-%m-%d %H:%M:%S') AS moment,
        CAST(price AS DECIMAL(12, 2)) AS unit_price, CAST(amount AS DECIMAL(18, 2)) AS line_amount,
        CAST(coalesce(quantity, '1') AS INTEGER) AS units, nullif(user_session, '') AS session,
        list_filter(string_split(category_code, '.')[1:3], lambda level: level <> '') AS levels,
        nullif(lower(trim(brand)), '') AS label
    FROM messages
), known AS (
    SELECT *, CAST(moment AS DATE) AS day,
        nullif(array_to_string(levels, '.'), '') AS category, string_split(category_code, '.') AS code,
        coalesce(event_id, concat_ws('|', moment, event_type, product_id, unit_price, session, units, order_id,
            'amount ' || line_amount)) AS id
    FROM typed
)
SELECT user_id, day, moment, event_type, product_id, code, category, label AS brand, units, session,
    CAST(coalesce(unit_price, {half_up("line_amount", "units", 2)}) AS DECIMAL(12, 2)) AS price,
    CASE event_type WHEN 'purchase' THEN coalesce(line_amount, unit_price * units)
        WHEN 'refund' THEN -coalesce(line_amount, unit_price * units) END AS money,
    CASE WHEN event_type = 'purchase'
        THEN coalesce('given ' || order_id, 'session ' || session, 'event ' || id) END AS bought_in
FROM known QUALIFY row_number() OVER (PARTITION BY user_id, day, id ORDER BY place) = 1
"""

INTERACTIONS_SQL = """
SELECT day, hour(moment) AS hour, user_id AS customer_id, event_type, product_id, category, brand, price, count(*) AS events,
    sum(units) AS quantity, coalesce(sum(money), 0) AS money
FROM events GROUP BY ALL
"""

#: The contract's conditions for a row of a generated history, which has every kind of dirt.
CLEAN = """
    regexp_full_match(event_time, '20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8} UTC')
    AND event_type IN ('view', 'cart', 'remove_from_cart', 'purchase', 'refund')
    AND coalesce(product_id, '') <> '' AND coalesce(user_id, '') <> ''
    AND regexp_full_match(price, '[0-9]{1,10}(\\.[0-9]{1,2})?')
    AND (quantity IS NULL OR regexp_full_match(quantity, '[1-9][0-9]*'))
    AND length(coalesce(brand, '')) <= 200 AND length(coalesce(user_session, '')) <= 200
"""
#: The valid rows of a file, which has no event ids.
FILE_SQL = f"""
CREATE TABLE messages AS
SELECT row_number() OVER () AS place, NULL::VARCHAR AS event_id, event_time, event_type, product_id, category_code, brand, price,
    user_id, user_session, quantity, order_id, NULL::VARCHAR AS amount
FROM read_parquet(?)
WHERE {CLEAN}
"""


def read_file(duck: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Create the table `messages` from a file of a generated history."""
    duck.execute(FILE_SQL, [str(path)])


def read_events(duck: duckdb.DuckDBPyConnection) -> None:
    """Create the table `events` from the table `messages`."""
    duck.execute(EVENTS_SQL)
