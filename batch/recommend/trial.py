"""The trial of models on the days after those they were trained on: lists for customers, and the next product of a visit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np

from batch.recommend.features import Features
from batch.recommend.measures import (
    find_hits,
    measure_concentration,
    measure_coverage,
    measure_ndcg,
    measure_novelty,
    measure_precision,
    measure_recall,
    measure_reciprocal_rank,
)
from cdp.recommend.histories import Floats, Histories, Ints, from_lists, from_rows
from cdp.recommend.models import Model, recommend

TEST_DAYS = 7
MOST_CUSTOMERS = 4000
MOST_PREFIXES = 8000
LONG, SHORT = 20, 10


@dataclass(frozen=True)
class Trial:
    """Customers with products that they chose in the test days: such as they had not seen before, and such as they had."""

    histories: Histories  # of the customers with new products
    new: Histories
    again_histories: Histories  # of the customers who came back to products
    again: Histories
    prefixes: Histories  # visits of the test days up to some product
    following: Histories  # the next product of each
    unknown_share: float  # of the customers of the test days, who have no history


@dataclass(frozen=True)
class Result:
    """What a model's lists reached: a value for each customer, and values of all lists."""

    ndcg: Floats
    measures: dict[str, float]


def build_trial(duck: duckdb.DuckDBPyConnection, features: Features, last: date) -> Trial:
    """`features` are those built last in the connection; the test days are the ones after them."""
    new, again, unknown_share = _read_targets(duck, features, last)
    prefixes, following = _read_prefixes(duck, features, last)
    histories, new = _keep_customers(features.histories, new)
    again_histories, again = _keep_customers(features.histories, again)
    return Trial(histories, new, again_histories, again, prefixes, following, unknown_share)


def _read_targets(duck: duckdb.DuckDBPyConnection, features: Features, last: date) -> tuple[Histories, Histories, float]:
    """A product that came after the features has a number beyond theirs: nobody can recommend it, and it counts as a miss."""
    chosen = f"""
        SELECT DISTINCT customer_id, product_id FROM interactions
        WHERE day > DATE '{features.day}' AND day <= DATE '{last}' AND event_type IN ('view', 'cart', 'purchase')"""
    rows = duck.sql(f"""
        SELECT customer, coalesce(product, {len(features.product_ids)} + row_number() OVER ()) AS product
        FROM ({chosen}) JOIN customers USING (customer_id) LEFT JOIN products USING (product_id)
        ORDER BY customer, product""").to_arrow_table()
    ((everybody,),) = duck.execute(f"SELECT count(DISTINCT customer_id) FROM ({chosen})").fetchall()
    customer, product = rows["customer"].to_numpy(), rows["product"].to_numpy()
    width = len(features.product_ids) + len(product) + 1
    seen = np.isin(customer * width + product, features.histories.row * width + features.histories.product)
    ones = np.ones(len(product), np.float32)
    customers = len(features.customer_ids)
    new, again = (from_rows(customer[which], product[which], ones[which], customers) for which in (~seen, seen))
    return new, again, 1 - len(np.unique(customer)) / max(1, everybody)


def _keep_customers(histories: Histories, targets: Histories) -> tuple[Histories, Histories]:
    """The customers with targets; evenly chosen ones if there are many."""
    customers = np.flatnonzero(targets.lengths)
    if len(customers) > MOST_CUSTOMERS:
        customers = customers[np.linspace(0, len(customers) - 1, MOST_CUSTOMERS).astype(np.int64)]
    return histories.take(customers), targets.take(customers)


def _read_prefixes(duck: duckdb.DuckDBPyConnection, features: Features, last: date) -> tuple[Histories, Histories]:
    """For each product of a visit after the first: the products before it, the latest first, and the product itself."""
    unknown = len(features.product_ids)
    visits = duck.execute(f"""
        SELECT list(coalesce(product, {unknown}) ORDER BY moment, product_id)
        FROM views LEFT JOIN products USING (product_id)
        WHERE day > DATE '{features.day}' AND day <= DATE '{last}'
        GROUP BY customer_id, visit HAVING count(*) > 1 ORDER BY md5(visit)""").fetchall()
    before: list[list[int]] = []
    after: list[list[int]] = []
    for (products,) in visits:
        for place in range(1, len(products)):
            prefix = [product for product in reversed(products[:place]) if product != unknown]
            if prefix:
                before.append(prefix)
                after.append([products[place]])
        if len(before) >= MOST_PREFIXES:
            break
    return from_lists(before), from_lists(after)


def measure_lists(models: Iterable[Model], trial: Trial, features: Features, *, again: bool = False) -> dict[str, Result]:
    """Lists of new products; with `again`, of products that the customers have had."""
    histories, targets = (trial.again_histories, trial.again) if again else (trial.histories, trial.new)
    return {model.name: _measure_list(model, histories, targets, features, hide=not again) for model in models}


def _measure_list(model: Model, histories: Histories, targets: Histories, features: Features, hide: bool) -> Result:
    lists = recommend(model, histories, LONG, hide=hide)
    ndcg, measures = judge_lists(lists, targets)
    products, short = len(features.product_ids), lists[:, :SHORT]
    measures |= {
        "coverage": measure_coverage(short, products),
        "top_percent": measure_concentration(short, products),
        "novelty_bits": measure_novelty(short, features.popularity),
        "served": float((short >= 0).all(axis=1).mean()) if len(short) else 0.0,
    }
    return Result(ndcg, measures)


def judge_lists(lists: Ints, targets: Histories) -> tuple[Floats, dict[str, float]]:
    hits, counts = find_hits(lists, targets), targets.lengths
    ndcg = measure_ndcg(hits[:, :SHORT], counts)
    means = {
        "ndcg_10": ndcg,
        "recall_20": measure_recall(hits, counts),
        "map_10": measure_precision(hits[:, :SHORT], counts),
    }
    return ndcg, {name: float(values.mean()) if len(values) else 0.0 for name, values in means.items()}


def measure_next(models: Iterable[Model], trial: Trial) -> dict[str, Result]:
    """The next product of visits; `ndcg` is the hit or miss of each."""
    results = {}
    for model in models:
        hits = find_hits(recommend(model, trial.prefixes, LONG), trial.following)
        hit: Floats = np.asarray(hits.any(axis=1), np.float32)
        rank = measure_reciprocal_rank(hits)
        means = {"hit_rate_20": float(hit.mean()) if len(hit) else 0.0, "mrr_20": float(rank.mean()) if len(rank) else 0.0}
        results[model.name] = Result(hit, means)
    return results
