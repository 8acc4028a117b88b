"""The customers that a rule selects, from the Delta tables by Spark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.stores.copy import CHUNK_LINES, make_line
from cdp.kinds import METRIC_KINDS
from cdp.mart.segment_jobs import SEGMENT_JOB_MEMBER
from cdp.metrics import METRICS
from cdp.rules import CUSTOMER_ID, Source, to_sql
from cdp.rules.jobs import JobRule


@dataclass(frozen=True, slots=True)
class JobTables:
    """What rules read: the customers and interactions of one publication, the rows of the lists, and the recommendations."""

    customers: DataFrame
    interactions: DataFrame
    list_members: DataFrame
    recommendations: DataFrame


def select_members(spark: SparkSession, tables: JobTables, rule: JobRule, day: date) -> DataFrame:
    """One column with the ids. The rule is the one that the site evaluates on its snapshot, with the same compiler."""
    metrics = [F.col(metric.key).cast(METRIC_KINDS[metric.kind].spark).alias(metric.key) for metric in METRICS]
    views = {
        "customers": tables.customers.select(CUSTOMER_ID, *metrics),
        "interactions": tables.interactions,
        "list_members": tables.list_members,
        "recommendations": tables.recommendations,
    }
    for name, frame in views.items():
        frame.createOrReplaceTempView(name)
    return spark.sql(to_sql(rule.rule, Source(day, "spark", segments=rule.segments)))


def generate_lines(members: DataFrame, run: int) -> Iterator[list[str]]:
    """The rows of SEGMENT_JOB_MEMBER in COPY's format, in chunks. The driver has only one partition at a time in memory."""
    lines = members.select(F.lit(run).alias("run"), CUSTOMER_ID).select(make_line(SEGMENT_JOB_MEMBER))
    rows = lines.toLocalIterator(prefetchPartitions=True)
    while chunk := [row[0] for row in islice(rows, CHUNK_LINES)]:
        yield chunk
