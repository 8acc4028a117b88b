"""Asks each server whether it is healthy: all at the same time, each with a short timeout. The addresses come from the settings,
so the page works for native, container and remote servers alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx
import psycopg
import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from django.utils import timezone
from django.utils.translation import gettext_noop as noop
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from cdp.errors import first_line
from cdp.kafka import client_config
from cdp.postgres import connection_arguments
from cdp.programs import HEARTBEAT, STREAM
from cdp.settings import Settings

SECONDS = 3
#: Seconds after which the heartbeat of the workers counts as late.
HEARTBEAT_LATE = 35
#: Errors of the libraries that mean: the server does not answer properly.
FAILURES = (httpx.HTTPError, psycopg.Error, redis.RedisError, PyMongoError, KafkaException, OSError, ValueError, KeyError)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found. `says` is a text to translate, with places for the values."""

    state: str  # healthy, unhealthy, stopped, unknown
    says: str
    values: dict[str, Any] = field(default_factory=dict)
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    key: str
    title: str
    about: str
    service: str  # as ./run names it
    probe: Callable[[Settings], Finding]


def healthy(says: str, **values: Any) -> Finding:
    return Finding("healthy", says, values)


def probe_postgres(settings: Settings) -> Finding:
    with psycopg.connect(**connection_arguments(settings, "cdp_web health", SECONDS)) as connection:
        query = "SELECT current_setting('server_version'), pg_database_size(current_database()) / 1000000"
        version, size = connection.execute(query).fetchone() or ("", 0)
    return healthy(noop("version %(version)s, %(size)s MB"), version=version, size=int(size))


def probe_mongo(settings: Settings) -> Finding:
    milliseconds = SECONDS * 1000
    client: MongoClient[dict[str, Any]] = MongoClient(
        settings.mongo_url, serverSelectionTimeoutMS=milliseconds, socketTimeoutMS=milliseconds
    )
    try:
        names = client[settings.mongo_database].list_collection_names()
    finally:
        client.close()
    return healthy(noop("%(count)s collections"), count=len(names))


def probe_redis(settings: Settings) -> Finding:
    with redis.Redis.from_url(settings.redis_url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS) as client:
        memory: Any = client.info("memory")
    return healthy(noop("%(size)s MB in use"), size=int(memory["used_memory"]) // 1_000_000)


def probe_kafka(settings: Settings) -> Finding:
    cluster = AdminClient(client_config(settings)).list_topics(timeout=SECONDS)
    return healthy(noop("brokers: %(brokers)s, topics: %(topics)s"), brokers=len(cluster.brokers), topics=len(cluster.topics))


def probe_hdfs(settings: Settings) -> Finding:
    info, state = (_read_namenode(settings, name) for name in ("NameNodeInfo", "FSNamesystemState"))
    live, missing = int(state["NumLiveDataNodes"]), int(info["NumberOfMissingBlocks"])
    if live < settings.hdfs_datanodes:
        values = {"live": live, "expected": settings.hdfs_datanodes}
        return Finding("unhealthy", noop("%(live)s of %(expected)s DataNodes are alive"), values, "./run up hdfs")
    if info["Safemode"]:
        return Finding("unhealthy", noop("the NameNode is in safe mode, so nothing can be written"), {}, "./run logs namenode")
    if missing:
        return Finding("unhealthy", noop("%(count)s blocks are missing"), {"count": missing}, "./run logs namenode")
    free = int(state["CapacityRemaining"]) // 2**30
    return healthy(
        noop("%(live)s DataNodes, %(files)s files, %(free)s GiB free"),
        live=live,
        files=int(state["FilesTotal"]),
        free=free,
    )


def probe_spark(settings: Settings) -> Finding:
    if not settings.spark_master_url.startswith("spark://"):
        return Finding("unknown", noop("jobs go to %(master)s, which has its own page"), {"master": settings.spark_master_url})
    state = _read_json(f"{settings.spark_master_http}/json/")
    if state["status"] != "ALIVE" or not state["aliveworkers"]:
        return Finding("unhealthy", noop("no worker is registered"), {}, "./run up spark")
    values = {"free": state["cores"] - state["coresused"], "cores": state["cores"], "jobs": len(state["activeapps"])}
    return healthy(noop("%(free)s of %(cores)s cores free, applications: %(jobs)s"), **values)


def probe_airflow(settings: Settings) -> Finding:
    health = _read_json(f"{settings.airflow_url}/api/v2/monitor/health")
    parts = {"metadatabase": "postgres", "scheduler": "airflow-scheduler", "dag_processor": "airflow-dags"}
    for part, service in parts.items():
        if health[part]["status"] != "healthy":
            return Finding("unhealthy", noop("its %(part)s gives no sign of life"), {"part": part}, f"./run logs {service}")
    return healthy(noop("scheduler and DAG processor are alive"))


def probe_source(settings: Settings) -> Finding:
    health = _read_json(f"{settings.source_url}/health")
    return healthy(noop("%(count)s data sets"), count=int(health["datasets"]))


def probe_workers(settings: Settings) -> Finding:
    """Beat, broker and a worker are alive if the heartbeat task ran recently."""
    with redis.Redis.from_url(settings.redis_url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS) as client:
        heartbeat = client.get(HEARTBEAT)
    age = time.time() - float(heartbeat) if isinstance(heartbeat, bytes) else None
    if age is None or age > HEARTBEAT_LATE:
        return Finding("unhealthy", noop("no scheduled task has run recently"), {}, "./run up site")
    return healthy(noop("last scheduled task %(seconds)s s ago"), seconds=max(round(age), 0))


def probe_stream(settings: Settings) -> Finding:
    """A stream need not run all the time: a night drains Kafka too."""
    with psycopg.connect(**connection_arguments(settings, "cdp_web health", SECONDS)) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"
        (running,) = connection.execute(query, [STREAM]).fetchone() or (0,)
    if running:
        return healthy(noop("running"))
    return Finding("stopped", noop("not running; each night reads what waits"), {}, "./run up stream")


SERVERS = (
    Server("kafka", noop("Kafka"), noop("takes in the events"), "kafka", probe_kafka),
    Server("stream", noop("Stream"), noop("checks events and stores them"), "stream", probe_stream),
    Server("hdfs", noop("HDFS"), noop("keeps all events"), "namenode", probe_hdfs),
    Server("spark", noop("Spark"), noop("computes the nights"), "spark-master", probe_spark),
    Server("postgres", noop("Postgres"), noop("daily numbers, segments and users"), "postgres", probe_postgres),
    Server("mongo", noop("MongoDB"), noop("customer profiles"), "mongo", probe_mongo),
    Server("redis", noop("Redis"), noop("passes tasks to the workers"), "redis", probe_redis),
    Server("workers", noop("Workers"), noop("compute segments and send webhooks"), "celery-worker", probe_workers),
    Server("airflow", noop("Airflow"), noop("starts the nights"), "airflow-api", probe_airflow),
    Server("source", noop("Source server"), noop("brings files in"), "source", probe_source),
)


def servers_read(settings: Settings, before: Any) -> dict[str, Any]:
    """Key of each server -> what its probe found, and since when the server has been in this state."""
    with ThreadPoolExecutor(len(SERVERS)) as pool:
        findings = dict(
            zip((server.key for server in SERVERS), pool.map(lambda each: _probe(each, settings), SERVERS), strict=True)
        )
    return carry_since(before or {}, findings, timezone.now().isoformat())


def carry_since(before: dict[str, Any], findings: dict[str, Finding], now: str) -> dict[str, Any]:
    """A server that is in the same state as before keeps the time of its last change."""
    return {
        key: asdict(finding) | {"since": before[key]["since"] if before.get(key, {}).get("state") == finding.state else now}
        for key, finding in findings.items()
    }


def _probe(server: Server, settings: Settings) -> Finding:
    try:
        return server.probe(settings)
    except FAILURES as error:
        reason = error.args[0].str() if isinstance(error, KafkaException) else first_line(error)
        reason = reason.partition(", Timeout:")[0][:200]  # the rest is a long line about the state of MongoDB's driver
        return Finding("unhealthy", noop("no answer: %(reason)s"), {"reason": reason}, f"./run up {server.service}")


def _read_namenode(settings: Settings, name: str) -> Any:
    beans = _read_json(f"{settings.hdfs_http}/jmx?qry=Hadoop:service=NameNode,name={name}").get("beans", [])
    if not beans:
        raise ValueError(f"the NameNode does not report {name} yet")
    return beans[0]


def _read_json(url: str) -> Any:
    return httpx.get(url, timeout=SECONDS).raise_for_status().json()
