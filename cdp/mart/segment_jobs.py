"""Segment runs that the cluster computes: the tables through which site and batch exchange a job.

The site adds a job and the members of the lists in it; batch takes the job and writes the customers; the site collects them.
"""

from __future__ import annotations

from cdp.mart.table import Column, Table

#: Name of the Airflow DAG that computes a job. Its parameter `run` is the number of the run.
DAG = "segment"
#: Added to the number of a run, it is the lock that the process holds that computes the job. No other lock is near.
JOB_LOCK = 7_301_000_000_000

SEGMENT_JOB = Table(
    "segment_job",
    "one run of a segment that the cluster computes",
    (
        Column("run", "long", "the site's number of the run"),
        Column("rule", "json", "the rule, the rules of the segments in it, and the sizes of the lists in it"),
        Column("day", "date", "the published day"),
        Column("customers_version", "long", "version of the Delta table customers"),
        Column("interactions_version", "long", "version of the Delta table interactions"),
        Column("state", "text", "queued, running, done, failed or cancelled"),
        Column("step", "text", "what the job does now", default="''"),
        Column("error", "text", "why it failed", default="''"),
        Column("count", "long", "customers that the rule selects", required=False),
        Column("requested_at", "time"),
        Column("begun_at", "time", required=False),
        Column("ended_at", "time", required=False),
    ),
    key=("run",),
)

#: Written in one transaction with the state "done"; removed when the site has collected them.
SEGMENT_JOB_MEMBER = Table(
    "segment_job_member",
    "a customer that a job has selected",
    (Column("run", "long"), Column("customer_id", "text", collation="C")),
    key=("run", "customer_id"),
)

SEGMENT_JOB_LIST = Table(
    "segment_job_list",
    "a customer id of an uploaded list, as it was when a job was added",
    (Column("run", "long"), Column("list_id", "long"), Column("customer_id", "text", collation="C")),
    key=("run", "list_id", "customer_id"),
)

SEGMENT_TABLES = (SEGMENT_JOB, SEGMENT_JOB_MEMBER, SEGMENT_JOB_LIST)
