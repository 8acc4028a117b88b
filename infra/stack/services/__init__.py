"""All services of the stack, in the order of a reader's walk along the data. Add one by a line here and a module beside."""

from __future__ import annotations

from infra.stack.service import Service
from infra.stack.services import airflow, hdfs, kafka, site, spark, stores, stream

SERVICES: tuple[Service, ...] = (
    kafka.KAFKA,
    hdfs.NAMENODE,
    hdfs.SECONDARY,
    hdfs.DATANODE1,
    hdfs.DATANODE2,
    spark.MASTER,
    spark.WORKER,
    spark.HISTORY,
    stores.POSTGRES,
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

#: Started only by name: they hold cores and memory that a small machine needs for other things.
ON_DEMAND: tuple[Service, ...] = (stream.STREAM,)
ALL = SERVICES + ON_DEMAND

BY_NAME = {service.name: service for service in ALL}
#: What a person may name on the command line.
NAMES = tuple(dict.fromkeys([*BY_NAME, *(service.group for service in ALL if service.group)]))


def with_needs(names: tuple[str, ...]) -> tuple[Service, ...]:
    """The named services and groups and all they need, in the order of ALL."""
    wanted: set[str] = set()
    todo = [service.name for service in ALL if service.name in names or service.group in names]
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted.add(name)
            todo.extend(BY_NAME[name].needs + BY_NAME[name].brings)
    return tuple(service for service in ALL if service.name in wanted)


def with_dependents(names: tuple[str, ...]) -> tuple[Service, ...]:
    """The named services and groups and all that can't go on without them, in the order of ALL."""
    wanted = {service.name for service in ALL if service.name in names or service.group in names}
    while more := {service.name for service in ALL if wanted & set(service.needs)} - wanted:
        wanted |= more
    return tuple(service for service in ALL if service.name in wanted)
