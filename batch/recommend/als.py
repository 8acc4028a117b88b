"""Trains factors with Spark's ALS for implicit feedback."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession

from cdp.recommend.histories import Floats, Histories
from cdp.recommend.models import FOLDED, Als

#: Larger alphas and ranks were worse or no better on the data sets that were tried.
RANK, ALPHA, REGULARISATION, ITERATIONS = 64, 1.0, 0.1, 10
BLOCKS = 4  # Spark's default of 10 means a hundred small tasks for each half of an iteration
SEED = 7
SAMPLE = 100


@dataclass(frozen=True)
class Training:
    model: Als
    #: The largest difference between the factors of some customers as trained and as they follow from their histories.
    fold_in_difference: float


def train_als(spark: SparkSession, histories: Histories, products: int, rank: int = RANK) -> Training:
    """Numbers of customers and products are small, as ALS needs: ids of 19 digits would not fit."""
    strong = histories.keep_strong()
    spark.conf.set("spark.sql.execution.arrow.localRelationThreshold", 0)  # the driver's memory does not hold them as rows
    ratings = spark.createDataFrame(
        pa.table(
            {
                "customer": strong.row.astype(np.int32),
                "product": strong.product.astype(np.int32),
                "strength": strong.strength.astype(np.float32),
            }
        )
    )
    als = ALS(
        rank=rank, maxIter=ITERATIONS, regParam=REGULARISATION, alpha=ALPHA, implicitPrefs=True, seed=SEED,
        numUserBlocks=BLOCKS, numItemBlocks=BLOCKS,
        userCol="customer", itemCol="product", ratingCol="strength", coldStartStrategy="drop",
    )  # fmt: skip
    trained = als.fit(ratings)
    model = Als(_read_factors(trained.itemFactors, products, rank), REGULARISATION, ALPHA)
    sample = np.flatnonzero((strong.lengths > 0) & (strong.lengths <= FOLDED))[:SAMPLE]
    of_sample = trained.userFactors.where(trained.userFactors.id.isin(sample.tolist()))
    stored = _read_factors(of_sample, len(histories), rank)[sample]
    return Training(model, float(np.abs(model.fold_in(histories.take(sample)) - stored).max(initial=0.0)))


def _read_factors(frame: DataFrame, rows: int, rank: int) -> Floats:
    """A row of zeros for each number that has no factors."""
    table = frame.toArrow()
    factors = np.zeros((rows, rank), np.float32)
    values = table["features"].combine_chunks().flatten().to_numpy()
    factors[table["id"].to_numpy()] = values.reshape(-1, rank)
    return factors
