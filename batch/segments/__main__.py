"""Computes a run of a segment on the cluster: python -m batch.segments --run N. The site adds the job and collects the members.
A job that is done or cancelled is left as it is."""

from __future__ import annotations

import argparse
import os
import sys

import psycopg2
import pyarrow as pa
from psycopg2.extensions import connection as Connection
from pyspark.sql import DataFrame, SparkSession
from pyspark.storagelevel import StorageLevel

from batch.hdfs.tables import read_customers, read_interactions, read_recommendations
from batch.segments.job import (
    Job,
    JobCancelled,
    JobRefused,
    claim_job,
    enter_step,
    fail_job,
    job_connection,
    read_lists,
    write_members,
)
from batch.segments.members import JobTables, generate_lines, select_members
from batch.stores.mart import MartUnavailable
from cdp.cli import parse_count
from cdp.lake.tables import RECOMMENDATIONS_TABLE
from cdp.programs import check_arguments_only
from cdp.rules.jobs import parse_job_rule
from cdp.settings import SettingError, Settings, current
from cdp.spark import end_session, root_cause, session

_LIST_SCHEMA = pa.schema([("list_id", pa.int64()), ("customer_id", pa.string())])


class JobFailed(RuntimeError):
    """The job failed, and its row says why."""


def run_job(settings: Settings, run: int, quiet: bool) -> None:
    with job_connection(settings) as connection:
        job = claim_job(connection, run)
        if job is None:
            print(f"segment run {run}: nothing is left to do")
            return
        try:
            _compute(settings, connection, job, quiet)
        except JobCancelled as error:
            print(f"segment run {run}: {error}")
        except BaseException as error:
            reason = root_cause(error) if isinstance(error, Exception) else "it was stopped by hand"
            fail_job(connection, settings, run, reason)
            raise JobFailed(reason) from error


def _compute(settings: Settings, connection: Connection, job: Job, quiet: bool) -> None:
    enter_step(connection, job.run, "starting Spark")
    spark = session(settings, f"cdp segment run {job.run}", settings.spark_job_cores, quiet=quiet, brief=True)
    try:
        compute_members(settings, spark, connection, job)
    finally:
        end_session(spark)


def compute_members(settings: Settings, spark: SparkSession, connection: Connection, job: Job) -> None:
    rule = parse_job_rule(job.rule)
    lists = _load_lists(spark, read_lists(connection, job.run, rule.list_sizes))
    customers = read_customers(spark, settings, job.customers_version)
    interactions = read_interactions(spark, settings, job.interactions_version)
    recommendations = _load_recommendations(spark, settings, rule.recommendations)
    tables = JobTables(customers, interactions, lists, recommendations)
    enter_step(connection, job.run, "finding the members")
    members = select_members(spark, tables, rule, job.day).persist(StorageLevel.MEMORY_AND_DISK)
    count = members.count()
    enter_step(connection, job.run, "writing the members")
    write_members(connection, job.run, generate_lines(members, job.run), count)
    print(f"segment run {job.run}: {count:,} customers")


def _load_lists(spark: SparkSession, rows: list[tuple[int, str]]) -> DataFrame:
    columns = list(zip(*rows, strict=True)) or [(), ()]
    return spark.createDataFrame(pa.table([pa.array(list(column)) for column in columns], schema=_LIST_SCHEMA))


def _load_recommendations(spark: SparkSession, settings: Settings, version: int | None) -> DataFrame:
    """Empty if the rule reads none, or before the first publication."""
    if version is None:
        return spark.createDataFrame([], RECOMMENDATIONS_TABLE.ddl)
    return read_recommendations(spark, settings, version)


def main(argv: list[str] | None = None) -> int:
    program = os.environ.get("PROGRAM_NAME", "python -m batch.segments")
    parser = argparse.ArgumentParser(prog=program, description="Computes a run of a segment on the cluster.")
    parser.add_argument("--run", type=parse_count, metavar="N", required=True, help="the number of the run")
    parser.add_argument("--debug", action="store_true", help="show Spark's own log, and the traceback of an error")
    arguments = parser.parse_args(argv)
    if check_arguments_only():
        return 0
    try:
        run_job(current(), arguments.run, quiet=not arguments.debug)
    except (SettingError, MartUnavailable, JobRefused, JobFailed, psycopg2.Error) as error:
        if arguments.debug:
            raise
        print(f"segment-job: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
