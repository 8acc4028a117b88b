"""Factors trained by Spark find the groups of the made shop, and serve as they were trained."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession

from batch.recommend.als import train_als
from batch.recommend.features import build_features
from cdp.recommend.models import recommend
from tests.batch.recommend.made import LAST, make_groups, open_made

pytestmark = pytest.mark.spark


def test_factors_find_the_groups(spark: SparkSession) -> None:
    features = build_features(open_made(*make_groups()), LAST)
    training = train_als(spark, features.histories, len(features.product_ids), rank=8)
    assert training.fold_in_difference < 1e-4
    lists = recommend(training.model, features.histories, 5)
    group_of_product = np.array([product[1] for product in features.product_ids.tolist()])
    of_latest = group_of_product[features.histories.product[features.histories.starts[:-1]]]
    assert (group_of_product[lists] == of_latest[:, None]).mean() > 0.95
