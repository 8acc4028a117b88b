"""Compares a history with the shop it is modelled on: REES46's published numbers of October 2019, and ours from the file."""

from __future__ import annotations

from pathlib import Path

import duckdb

#: Name, format and REES46's value of October 2019 of each number, in the order of READING; None if it was not published.
REES46: tuple[tuple[str, str, str | None], ...] = (
    ("events", "{:,}", "42,448,764"),
    ("views", "{:.2%}", "96.07%"),
    ("carts", "{:.2%}", "2.18%"),
    ("removals from the cart", "{:.2%}", "none"),
    ("purchases", "{:.2%}", "1.75%"),
    ("customers", "{:,}", "3,022,290"),
    ("events a customer", "{:.2f}", "14.05"),
    ("sessions", "{:,}", "9,244,421"),
    ("events a session", "{:.2f}", "4.59"),
    ("sessions a customer", "{:.2f}", "3.1"),
    ("products", "{:,}", "166,794"),
    ("category_code empty", "{:.1%}", "31.8%"),
    ("brand empty", "{:.1%}", "14.4%"),
    ("average price of a purchase", "{:.0f}", "309"),
    ("customers who buy", "{:.1%}", "11.5%"),
    ("views of the top 1% of products", "{:.1%}", None),
    ("events of the top 1% of customers", "{:.1%}", None),
)
READING = """
WITH good AS (
    SELECT *, event_type = 'view' AS is_view, event_type = 'purchase' AS buys FROM {table}
    WHERE event_type IN ('view', 'cart', 'remove_from_cart', 'purchase') AND product_id <> '' AND user_id <> ''
    AND regexp_full_match(price, '[0-9]{{1,10}}[.][0-9]{{2}}')
), p AS (
    SELECT count(*) AS products, sum(views) FILTER (place * 100 <= top) / sum(views) AS top_products FROM (
        SELECT views, row_number() OVER (ORDER BY views DESC) AS place, count(*) OVER () AS top
        FROM (SELECT count(*) FILTER (is_view) AS views FROM good GROUP BY product_id))
), c AS (
    SELECT count(*) AS customers, avg(buys::INT) AS buyers, sum(n) FILTER (place * 100 <= top) / sum(n) AS top_customers FROM (
        SELECT n, buys, row_number() OVER (ORDER BY n DESC) AS place, count(*) OVER () AS top
        FROM (SELECT count(*) AS n, bool_or(buys) AS buys FROM good GROUP BY user_id))
), s AS (
    SELECT count(*) AS n, avg(is_view::INT) AS views, avg((event_type = 'cart')::INT) AS carts,
        avg((event_type = 'remove_from_cart')::INT) AS removals, avg(buys::INT) AS purchases,
        count(DISTINCT user_session) AS sessions, avg((coalesce(category_code, '') = '')::INT) AS unfiled,
        avg((coalesce(brand, '') = '')::INT) AS unbranded, avg(price::DOUBLE) FILTER (buys) AS price
    FROM good
)
SELECT n, views, carts, removals, purchases, customers, n / customers, sessions, n / sessions, sessions / customers, products,
    unfiled, unbranded, price, buyers, top_products, top_customers
FROM s, p, c
"""
READERS: dict[str, str] = {
    ".parquet": "read_parquet(?)",
    ".csv": "read_csv(?, all_varchar = true, header = true)",
    ".gz": "read_csv(?, all_varchar = true, header = true)",
}


def measure(file: Path) -> tuple[float, ...]:
    """The numbers of a file, in the order of REES46. Rows that would be refused are left out; rows sent twice are counted."""
    with duckdb.connect(config={"memory_limit": "1GB"}) as reader:
        row = reader.execute(READING.format(table=READERS[file.suffix]), [str(file)]).fetchone()
    return tuple(row or ())


def report(file: Path) -> str:
    """A table of our numbers beside REES46's."""
    rows = [("", "this history", "REES46, October 2019")]
    for (name, form, theirs), ours in zip(REES46, measure(file), strict=True):
        rows.append((name, form.format(ours), theirs or "not published"))
    return "\n".join(f"{name:<34}{ours:>14}{theirs:>22}" for name, ours, theirs in rows)
