"""The settings as containers get them: addresses name containers, and a value that .env may set is a variable of compose."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from cdp.settings import Settings, about, env_name, load
from infra.stack.services import ALL

#: Settings that may differ between installations. All our containers get them.
CHOICES = (
    "hdfs_root", "hdfs_replication", "kafka_partitions", "postgres_user", "postgres_database", "airflow_database",
    "mongo_database", "spark_driver_memory", "spark_executor_memory", "spark_job_cores", "spark_stream_cores", "web_workers",
    "celery_concurrency", "segment_cluster_rows", "webhook_private", "admin_user", "web_hosts", "web_url", "currency",
    "source_token", "recommend_rate", "recommend_origins", "recommend_click_hours", "recommend_exposure_days",
    "recommend_train_days",
)  # fmt: skip
#: Settings that only the containers of servers read.
SERVER_CHOICES = (
    "kafka_retention_hours", "kafka_heap", "connect_heap", "namenode_heap", "datanode_heap", "spark_daemon_heap",
    "redis_maxmemory",
)  # fmt: skip


def require(variable: str) -> str:
    """A variable without which compose stops. It must be in .env, because a secret has no default."""
    return f"${{{variable}:?run ./run env first}}"


MONGO_USER, MONGO_PASSWORD = require("MONGO_USER"), require("MONGO_PASSWORD")


def _build_settings(defaults: Settings) -> Settings:
    """The default of an address names this machine and a port; here, it names the container that has the port."""
    owners = {port: service.name for service in ALL for port in service.ports}
    values: dict[str, Any] = {}
    for f in fields(Settings):
        note, default = about(f), getattr(defaults, f.name)
        port = re.search(r"127\.0\.0\.1:\{(\w+)\}", note.default)
        if note.generate:
            values[f.name] = require(env_name(f.name))
        elif f.name in CHOICES + SERVER_CHOICES:
            values[f.name] = f"${{{env_name(f.name)}:-{default}}}"
        elif port:
            values[f.name] = note.default.replace("127.0.0.1", owners[port[1]]).format(**values)
        else:
            values[f.name] = default
    mongo_url = f"mongodb://{MONGO_USER}:{MONGO_PASSWORD}@mongo:{defaults.mongo_port}/?authSource=admin"
    return Settings(**values | {"postgres_host": "postgres", "shop_host": "shop-db", "mongo_url": mongo_url})


def build_variables(settings: Settings, base: Settings) -> dict[str, str]:
    """The variables that turn the settings `base` into `settings`, without those that only servers read."""
    values = {f.name: str(getattr(settings, f.name)) for f in fields(Settings) if f.name not in SERVER_CHOICES}
    return {env_name(name): value for name, value in values.items() if value != str(getattr(base, name))}


_DEFAULTS = load({"CDP_VAR_DIR": "/nonexistent"})  # no value of this machine can get in
#: A value that is a variable is text, even if the setting is a number.
SETTINGS = _build_settings(_DEFAULTS)
_VARIABLES = build_variables(SETTINGS, _DEFAULTS)
SECRETS = {name: value for name, value in _VARIABLES.items() if ":?" in value}
PUBLIC = {name: value for name, value in _VARIABLES.items() if name not in SECRETS}
