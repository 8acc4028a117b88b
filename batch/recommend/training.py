"""Trains the models on the days up to one day."""

from __future__ import annotations

from dataclasses import replace

import duckdb
from pyspark.sql import SparkSession

from batch.recommend.als import train_als
from batch.recommend.features import Features
from batch.recommend.neighbours import find_alike, find_seen_together
from cdp.recommend.parts import ALIKE, ALS, SEEN_TOGETHER, Part


def train_part(duck: duckdb.DuckDBPyConnection, features: Features, names: tuple[str, ...], spark: SparkSession | None) -> Part:
    """`features` are the ones built last in the connection. ALS needs `spark`."""
    neighbours = {}
    if SEEN_TOGETHER in names:
        neighbours[SEEN_TOGETHER] = find_seen_together(duck, features.day)
    if ALIKE in names:
        neighbours[ALIKE] = find_alike(duck)
    part = Part(features.day, features.product_ids, features.category, features.popularity, neighbours=neighbours)
    if ALS not in names or spark is None:
        return part
    training = train_als(spark, features.histories, len(features.product_ids))
    return replace(part, als=training.model, fold_in_difference=training.fold_in_difference)
