"""What a publication knows of each customer: the lists, the latest products, and what was bought."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from batch.recommend.features import Features
from cdp.recommend.histories import Histories, Ints, from_rows
from cdp.recommend.models import Model, recommend
from cdp.recommend.online import BOUGHT_DAYS, LISTED, REMEMBERED, OnlineCustomer

#: Customers whose lists are made at a time.
CHUNK = 2048


@dataclass(frozen=True)
class CustomerLists:
    """Numbers of products for each customer, in the order of the features' customers. The space is four bytes for each product of
    a list, so that 200,000 customers take 80 MB."""

    for_you: Ints  # a row per customer; -1 where there are no more
    buy_again: Histories
    latest: Histories
    bought: Histories

    def __len__(self) -> int:
        return len(self.for_you)

    def __iter__(self) -> Iterator[OnlineCustomer]:
        for number, for_you in enumerate(self.for_you):
            again, latest, bought = (_slice(each, number) for each in (self.buy_again, self.latest, self.bought))
            yield OnlineCustomer(
                for_you=for_you[for_you >= 0],
                buy_again=self.buy_again.product[again],
                products=self.latest.product[latest],
                strengths=self.latest.strength[latest],
                bought=self.bought.product[bought],
            )


def _slice(histories: Histories, row: int) -> slice:
    return slice(int(histories.starts[row]), int(histories.starts[row + 1]))


def make_lists(duck: duckdb.DuckDBPyConnection, features: Features, model: Model) -> CustomerLists:
    """`features` are those built last in the connection."""
    purchases = _read_purchases(duck, features)
    for_you = np.full((len(features.histories), LISTED), -1, np.int32)
    for first in range(0, len(for_you), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(for_you)))
        for_you[rows] = recommend(model, features.histories.take(rows), LISTED)
    recent = purchases.strength < BOUGHT_DAYS
    return CustomerLists(
        for_you=for_you,
        buy_again=_order_past(features, purchases).keep_latest(LISTED),
        latest=features.histories.keep_latest(REMEMBERED),
        bought=from_rows(purchases.row[recent], purchases.product[recent], purchases.strength[recent], len(purchases)),
    )


def _read_purchases(duck: duckdb.DuckDBPyConnection, features: Features) -> Histories:
    """The products that each customer has bought. Their strength is the days since then."""
    rows = duck.sql(f"""
        SELECT customer, product, min(date_diff('day', day, DATE '{features.day}')) AS days
        FROM interactions JOIN customers USING (customer_id) JOIN products USING (product_id)
        WHERE event_type = 'purchase' AND day <= DATE '{features.day}'
        GROUP BY ALL ORDER BY customer, days, product""").to_arrow_table()
    customer, product, days = (rows[name].to_numpy() for name in ("customer", "product", "days"))
    return from_rows(customer, product, days, len(features.customer_ids))


def _order_past(features: Features, purchases: Histories) -> Histories:
    """What each customer has had: first what was bought, and the strongest first."""
    past = features.histories.keep_strong()
    width = len(features.product_ids)
    is_bought = np.isin(past.row * width + past.product, purchases.row * width + purchases.product)
    order = np.lexsort((past.product, -past.strength, ~is_bought, past.row))
    return Histories(past.starts, past.product[order], past.strength[order])


def count_full(lists: CustomerLists, length: int = 10) -> dict[str, Any]:
    """Customers whose list has ten products, and the products in the first ten places of any list."""
    first = lists.for_you[:, :length]
    return {"customers": int((first >= 0).all(axis=1).sum()), "listed_products": len(np.unique(first[first >= 0]))}
