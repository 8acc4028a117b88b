"""The products that go with a product: seen in the same visits, or alike in category, brand and price band."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np

from cdp.recommend.histories import Floats, Ints

NEIGHBOURS = 50
#: Two products count as seen together if at most so many products lie between them in the visit, and less with each of them.
REACH = 10
DECAY = 0.8


def find_seen_together(duck: duckdb.DuckDBPyConnection, day: date) -> tuple[Ints, Floats]:
    """For each product, the products seen in the same visits up to the day, the best first. A popular product is in many visits
    by chance, so its weight is divided by the root of its visits."""
    return _read_neighbours(
        duck,
        f"""
        WITH steps AS (
            SELECT customer_id, visit, product,
                row_number() OVER (PARTITION BY customer_id, visit ORDER BY moment, product) AS step
            FROM views JOIN products USING (product_id) WHERE day <= DATE '{day}'
        ), visits AS (SELECT product, count(*) AS visits FROM steps GROUP BY product),
        pairs AS (
            SELECT one.product AS product, other.product AS neighbour,
                sum(pow({DECAY}, abs(one.step - other.step) - 1)) AS together
            FROM steps one JOIN steps other ON one.customer_id = other.customer_id AND one.visit = other.visit
                AND one.product <> other.product AND abs(one.step - other.step) <= {REACH}
            GROUP BY ALL
        )
        SELECT pairs.product, neighbour, round(together / sqrt(visits), 6) AS weight
        FROM pairs JOIN visits ON visits.product = neighbour""",
    )


def find_alike(duck: duckdb.DuckDBPyConnection) -> tuple[Ints, Floats]:
    """For each product, products of its category: first those of its brand and price band, then of its brand, then of its band.
    Of equals the most popular is first. A product that nobody has looked at has these neighbours too."""
    levels = {"category, brand, band": 4, "category, brand": 2, "category, band": 1}
    found = " UNION ALL ".join(
        f"SELECT one.product, other.product AS neighbour, {worth} + other.share AS weight FROM products one"
        f" JOIN (SELECT *, popularity / (1 + max(popularity) OVER ()) AS share FROM products"
        f" QUALIFY row_number() OVER (PARTITION BY {cell} ORDER BY popularity DESC, product) <= {NEIGHBOURS + 1}) other"
        f" USING ({cell}) WHERE one.product <> other.product AND one.category <> ''"
        for cell, worth in levels.items()
    )
    return _read_neighbours(duck, f"SELECT product, neighbour, round(max(weight), 6) AS weight FROM ({found}) GROUP BY ALL")


def _read_neighbours(duck: duckdb.DuckDBPyConnection, pairs: str) -> tuple[Ints, Floats]:
    """A row per product: numbers of products, -1 where there are no more, and their weights."""
    ((products,),) = duck.execute("SELECT count(*) FROM products").fetchall()
    rows = duck.sql(f"""
        SELECT product, neighbour, weight, row_number() OVER (PARTITION BY product ORDER BY weight DESC, neighbour) - 1 AS place
        FROM ({pairs}) QUALIFY place < {NEIGHBOURS}""").to_arrow_table()
    neighbours, weights = np.full((products, NEIGHBOURS), -1, np.int32), np.zeros((products, NEIGHBOURS), np.float32)
    where = rows["product"].to_numpy(), rows["place"].to_numpy()
    neighbours[where], weights[where] = rows["neighbour"].to_numpy(), rows["weight"].to_numpy()
    return neighbours, weights
