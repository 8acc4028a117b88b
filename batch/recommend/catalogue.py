"""The products as of a day, with the models: what a publication has on disk."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from batch.recommend.features import Features, read_texts
from batch.recommend.neighbours import find_alike
from cdp.kinds import MONEY_SCALE
from cdp.recommend.parts import ALIKE, Part
from cdp.recommend.publications import Publication


def make_publication(name: str, duck: duckdb.DuckDBPyConnection, features: Features, champion: Part | None) -> Publication:
    """The champion's models for the products of today, which are popular as of today. `features` are those built last."""
    facts = duck.sql(f"""
        SELECT brand, round(coalesce(price, 0) * {10**MONEY_SCALE})::BIGINT AS price, (band - 1)::INT AS band,
            popularity_soon
        FROM products ORDER BY product""").to_arrow_table()
    empty = Part(features.day, features.product_ids, features.category, features.popularity)
    known = champion.align(features.product_ids) if champion else empty
    part = replace(
        known,
        day=features.day,
        category=features.category,
        popularity=features.popularity,
        # Found again, so that new products have some too.
        neighbours=(known.neighbours or {}) | {ALIKE: find_alike(duck)},
    )
    return Publication(
        name=name,
        part=part,
        categories=features.categories,
        brand=read_texts(facts["brand"]),
        price=facts["price"].to_numpy(),
        price_band=facts["band"].to_numpy(),
        popularity_7=facts["popularity_soon"].to_numpy(),
        popularity_28=features.popularity,
    )
