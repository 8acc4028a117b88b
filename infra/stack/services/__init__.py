"""All services of the stack, in the order in which data passes them. To add one, write a module here and add a line below."""

from __future__ import annotations

from infra.stack.service import Service
from infra.stack.services import airflow, connect, hdfs, kafka, mlflow, postgres, recommend, site, spark, stores, stream

SERVICES: tuple[Service, ...] = (
    kafka.KAFKA,
    hdfs.NAMENODE,
    hdfs.SECONDARY,
    hdfs.DATANODE1,
    hdfs.DATANODE2,
    spark.MASTER,
    spark.WORKER,
    spark.HISTORY,
    postgres.POSTGRES,
    stores.MONGO,
    stores.REDIS,
    airflow.API,
    airflow.SCHEDULER,
    airflow.DAG_PROCESSOR,
    site.SOURCE,
    site.WEB,
    site.WORKER,
    site.BEAT,
)

#: Started only by name, because they hold cores and memory that a small machine needs for other things.
ON_DEMAND: tuple[Service, ...] = (
    stream.STREAM, postgres.SHOP_DB, site.SHOP_API, connect.CONNECT, stream.SHOP, stream.LIVE,
    site.SHOP_VISITORS, mlflow.MLFLOW, recommend.API, recommend.EXPOSURES,
)  # fmt: skip
ALL = SERVICES + ON_DEMAND

BY_NAME = {service.name: service for service in ALL}
#: Names that the command line accepts: services and groups.
NAMES = tuple(dict.fromkeys([*BY_NAME, *(service.group for service in ALL if service.group)]))


def with_needs(names: tuple[str, ...]) -> tuple[Service, ...]:
    """The named services and groups and everything that they need, in the order of ALL."""
    selected: set[str] = set()
    pending = [service.name for service in ALL if service.name in names or service.group in names]
    while pending:
        name = pending.pop()
        if name not in selected:
            selected.add(name)
            pending.extend(BY_NAME[name].needs + BY_NAME[name].brings)
    return tuple(service for service in ALL if service.name in selected)


def with_dependents(names: tuple[str, ...]) -> tuple[Service, ...]:
    """The named services and groups and every service that needs one of them, in the order of ALL."""
    selected = {service.name for service in ALL if service.name in names or service.group in names}
    while more := {service.name for service in ALL if selected & set(service.needs)} - selected:
        selected |= more
    return tuple(service for service in ALL if service.name in selected)
