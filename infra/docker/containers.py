"""The containers of docker-compose.yml: what compose needs to know besides the native stack's description of a service.

infra/docker/compose.py adds what both have in common (dependencies, ports, preparation, our programs) and writes the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cdp.settings import Settings
from infra.docker.variables import MONGO_PASSWORD, MONGO_USER, SETTINGS
from infra.stack.service import Service
from infra.stack.services import BY_NAME, hdfs, kafka
from infra.stack.stack import Stack


@dataclass(frozen=True, slots=True)
class Container:
    """One container. Memory and cpus are ceilings for a machine with 16 GB and 4 cores or more, not reservations."""

    name: str  # the name of the native service, unless `runs` names it; any other container ends when its work is done
    runs: str = ""
    prepares: str = ""  # does the work that the native stack does before it starts this service
    image: str = ""  # of another project; empty: the image that is built here
    memory: str = "1g"
    cpus: int = 1
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)  # settings that only this container has
    secrets: bool = True  # whether a container of our image gets them
    environment: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    slow_health: bool = False  # the check starts a large program
    after: tuple[str, ...] = ()  # containers that this one waits for, besides those that the native stack implies
    options: Mapping[str, Any] = field(default_factory=dict)  # further keys of compose

    @property
    def service(self) -> Service | None:
        """The native service that runs in the container."""
        return BY_NAME.get(self.runs or self.name)

    @property
    def settings(self) -> Settings:
        return replace(SETTINGS, **self.changes)


def _config(name: str) -> str:
    return f"./infra/{name}:/cdp/{name}:ro"


def _script(name: str) -> str:
    return f"./infra/docker/{name}:/cdp/{name}:ro"


def _page(host: str, port: int, path: str, text: str) -> tuple[str, ...]:
    return ("CMD", "bash", "/cdp/answers.sh", host, str(port), path, text)


APP_VOLUMES = ("state:/var/lib/cdp", "./infra/airflow:/opt/cdp/infra/airflow:ro", "./infra/spark:/opt/cdp/infra/spark:ro")
PATIENT = {"stop_grace_period": "60s"}
#: Started by docker compose --profile live.
LIVE = {"profiles": ["live"]}
RECOMMEND = {"profiles": ["recommend"]}

# The image's start script would turn our variables into properties, so the server is started directly.
KAFKA_BIN = "/opt/kafka/bin"
KAFKA_ADDRESS = f"--bootstrap-server {SETTINGS.kafka_bootstrap}"
_kafka = partial(
    Container,
    image="apache/kafka:4.1.0",
    environment=kafka.build_environment(replace(SETTINGS, host="kafka"), "/var/lib/kafka/data")
    | {
        "KAFKA_BIND": "0.0.0.0",
        "KAFKA_HEAP_OPTS": f"-Xmx{SETTINGS.kafka_heap} -XX:+ExitOnOutOfMemoryError",
        "KAFKA_LOG4J_OPTS": "-Dlog4j2.configurationFile=/cdp/kafka/log4j2.yaml",
        # No -loggc, whose files would grow to 1 GB besides the log that Docker rotates.
        "EXTRA_ARGS": "-name kafkaServer",
    },
    volumes=("kafka:/var/lib/kafka/data", _config("kafka"), _script("format-kafka.sh")),
)

# The image's start script writes configuration from variables, so hdfs is started directly with our files. The image's Java is
# older than the native stack's (users report Java 8 in the tag 3.4.2), so it must ignore options that only newer ones know.
HADOOP_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", *hdfs.OPENS,
    "-Djava.util.logging.config.file=/cdp/hadoop/logging.properties",
)  # fmt: skip
HDFS_VOLUMES = ("namenode", "secondarynamenode", "datanode1", "datanode2")
_hadoop = partial(Container, image="apache/hadoop:3.4.2", memory="768m")


def _hadoop_parts(volume: str, script: str, heap: str, datanode: int = 1) -> dict[str, Any]:
    environment = hdfs.build_environment(Stack(replace(SETTINGS, host="0.0.0.0")), datanode) | {
        "HADOOP_CONF_DIR": "/cdp/hadoop",
        "HADOOP_LOG_DIR": "/tmp/hadoop-logs",
        "HADOOP_OPTS": " ".join(HADOOP_OPTIONS),
        "HADOOP_HEAPSIZE_MAX": heap,
        "HDFS_TMP_DIR": "/tmp/hadoop",
        "HDFS_NAME_DIR": "/data/name",
        "HDFS_CHECKPOINT_DIR": "/data/checkpoint",
        "HDFS_DATA_DIR": "/data/blocks",
    }
    return {"environment": environment, "volumes": (f"{volume}:/data", _config("hadoop"), _script(script))}


def _hdfs(name: str, server: str, text: str, port: int, heap: str, datanode: int = 1, **more: Any) -> Container:
    """A server of HDFS, which is healthy when its description of itself contains the text."""
    path = f"/jmx?qry=Hadoop:service={server},name={server}Info"
    parts = _hadoop_parts(name, "answers.sh", heap, datanode) | {"health": _page(name, port, path, text)} | more
    return _hadoop(name, entrypoint=("/opt/hadoop/bin/hdfs", server.lower()), **parts)


def _datanode(number: int) -> Container:
    port = getattr(SETTINGS, f"datanode{number}_http_port")
    after, heap = ("hdfs-volumes",), SETTINGS.datanode_heap
    return _hdfs(f"datanode{number}", "DataNode", "RUNNING", port, heap, number, memory="640m", after=after)


# Spark's pages link to each other by this name, so a browser on this machine must be able to reach it.
SPARK_NAME = {"SPARK_PUBLIC_DNS": "127.0.0.1"}
SPARK_VARIABLES = ("SPARK_DAEMON_MEMORY", "SPARK_HISTORY_PORT", "HADOOP_USER_NAME", "HDFS_URL", "HDFS_ROOT")


def _spark(name: str, port: int, path: str, text: str) -> Container:
    """A server of the official image. Its command is the native one, except for the first word, a file of this machine."""
    command = BY_NAME[name].command(Stack(replace(SETTINGS, host=name)))
    return Container(
        name, image="apache/spark:4.1.3-scala2.13-java17-ubuntu", memory="768m",
        command=("/opt/spark/bin/spark-class", *command.argv[1:]),
        environment={"SPARK_CONF_DIR": "/cdp/spark"} | SPARK_NAME | {key: command.env[key] for key in SPARK_VARIABLES},
        volumes=(_config("spark"), _script("answers.sh")), health=_page(name, port, path, text),
    )  # fmt: skip


def _spark_worker(name: str, **more: Any) -> Container:
    """Executors run our Python code with its libraries, so workers use our image; its pyspark is the same release of Spark."""
    return Container(
        name, runs="spark-worker", memory="4g", cpus=2, volumes=APP_VOLUMES[2:],
        changes={"host": name, "spark_worker_slots": 4, "spark_worker_memory": "3g"} | more,
        environment={"CDP_SPARK_DAEMON_HEAP": SETTINGS.spark_daemon_heap} | SPARK_NAME,
    )  # fmt: skip


def _postgres(name: str, settings: str, options: Mapping[str, Any] | None = None, **more: Any) -> Container:
    """A Postgres server; `settings` is the first part of the names of its settings."""
    user, password, database, port = (
        getattr(SETTINGS, f"{settings}_{part}") for part in ("user", "password", "database", "port")
    )
    return Container(
        name, image="postgres:18.4-bookworm",
        options={**PATIENT, "shm_size": "256m", **(options or {})},
        # The shared file disables the socket file, but the image needs one to create its first database.
        command=("postgres", f"-cconfig_file=/cdp/{name}/postgresql.conf", "-clisten_addresses=*",
                 f"-cport={port}", "-cunix_socket_directories=/var/run/postgresql"),
        environment={
            "POSTGRES_USER": user,
            "POSTGRES_PASSWORD": password,
            "POSTGRES_DB": database,
            "POSTGRES_INITDB_ARGS": "--auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8",
        },
        health=("CMD-SHELL", f"pg_isready -q -h 127.0.0.1 -p {port} -U $$POSTGRES_USER -d $$POSTGRES_DB"),
        **more,
    )  # fmt: skip


AIRFLOW_PAGE = f"http://127.0.0.1:{SETTINGS.airflow_port}"
EVERYWHERE = {"host": "0.0.0.0"}
_app = partial(Container, volumes=APP_VOLUMES)
_airflow = partial(_app, memory="1536m")

# fmt: off
#: In the order in which data passes them. An initialiser stands before the services that wait for it.
CONTAINERS: tuple[Container, ...] = (
    _kafka("kafka-format", prepares="kafka", command=("sh", "/cdp/format-kafka.sh")),
    _kafka(
        "kafka", slow_health=True, options=PATIENT,
        command=(f"{KAFKA_BIN}/kafka-server-start.sh", "/cdp/kafka/server.properties"),
        health=("CMD-SHELL", f"KAFKA_HEAP_OPTS=-Xmx128m {KAFKA_BIN}/kafka-broker-api-versions.sh {KAFKA_ADDRESS}"),
    ),
    # Waits for a round trip through the broker, which also creates the topics.
    _app("kafka-topics", command=("python", "-m", "infra.docker", "await", "kafka"), after=("kafka",)),
    # New volumes belong to root, but Hadoop's image runs as hadoop.
    _hadoop(
        "hdfs-volumes", memory="1g", options={"user": "root"},
        entrypoint=("chown", "hadoop", *(f"/volumes/{name}" for name in HDFS_VOLUMES)),
        volumes=tuple(f"{name}:/volumes/{name}" for name in HDFS_VOLUMES),
    ),
    _hadoop(
        "namenode-format", prepares="namenode", memory="1g", after=("hdfs-volumes",),
        entrypoint=("sh", "/cdp/format-namenode.sh"), **_hadoop_parts("namenode", "format-namenode.sh", SETTINGS.namenode_heap),
    ),
    _hdfs("namenode", "NameNode", "LiveNodes", SETTINGS.namenode_http_port, SETTINGS.namenode_heap),
    _hdfs(
        "secondarynamenode", "SecondaryNameNode", "StartTime", SETTINGS.secondary_http_port, SETTINGS.namenode_heap,
        after=("hdfs-volumes",),
    ),
    _datanode(1),
    _datanode(2),
    _spark("spark-master", SETTINGS.spark_master_ui_port, "/json/", "ALIVE"),
    _spark_worker("spark-worker1"),
    # Its page has a different port than the first worker's, so the master's link to it works outside.
    _spark_worker("spark-worker2", spark_worker_ui_port=18045),
    _app("spark-history-init", prepares="spark-history"),
    _spark("spark-history", SETTINGS.spark_history_port, "/api/v1/version", "spark"),
    _postgres("postgres", "postgres", volumes=("postgres:/var/lib/postgresql", _config("postgres")), cpus=2),
    _postgres(
        "shop-db", "shop", memory="512m", options=LIVE,
        volumes=("shop-db:/var/lib/postgresql", _config("postgres"), _config("shop-db")),
    ),
    _app(
        "connect", memory="512m", changes=EVERYWHERE, options={"profiles": ["live"]}, after=("kafka-topics",),
        environment={"CDP_CONNECT_HEAP": SETTINGS.connect_heap},
    ),
    Container(
        "mongo", image="mongo:7.0.37", memory="1536m", cpus=2, options=PATIENT, volumes=("mongo:/data/db",),
        command=("--port", str(SETTINGS.mongo_port), "--bind_ip_all", "--wiredTigerCacheSizeGB", "0.5"),
        environment={"MONGO_INITDB_ROOT_USERNAME": MONGO_USER, "MONGO_INITDB_ROOT_PASSWORD": MONGO_PASSWORD},
        health=("CMD", "mongosh", "--quiet", "--port", str(SETTINGS.mongo_port), "--eval",
                'quit(db.adminCommand("ping").ok ? 0 : 1)'),
    ),
    Container(
        "redis", image="redis:6.2.14-bookworm", memory="512m", options={"user": "redis"}, command=("sh", "/cdp/redis.sh"),
        environment={
            "REDIS_PORT": str(SETTINGS.redis_port),
            "REDIS_PASSWORD": SETTINGS.redis_password,
            "REDISCLI_AUTH": SETTINGS.redis_password,
            "REDIS_MAXMEMORY": SETTINGS.redis_maxmemory,
        },
        volumes=("redis:/data", _config("redis"), _script("redis.sh")),
        health=("CMD-SHELL", f"redis-cli -p {SETTINGS.redis_port} ping | grep -q PONG"),
    ),
    _app("airflow-init", prepares="airflow-api"),
    # The address is the one for browsers, because the login redirects to it.
    _airflow("airflow-api", changes=EVERYWHERE | {"airflow_url": AIRFLOW_PAGE}),
    # The jobs' drivers run here; executors connect to them by this host name.
    _airflow(
        "airflow-scheduler", memory="4g", cpus=2, changes={"host": "airflow-scheduler"},
        environment={"AIRFLOW__API__BASE_URL": AIRFLOW_PAGE},
    ),
    _airflow("airflow-dags"),
    _app("source", changes=EVERYWHERE, secrets=False),
    _app("shop-init", prepares="shop-api", options=LIVE),
    _app("shop-api", memory="512m", changes=EVERYWHERE, options=LIVE),
    _app("mlflow-init", prepares="mlflow", options=RECOMMEND),
    # It refuses requests that name it otherwise than by a private address.
    _app(
        "mlflow", options=RECOMMEND, changes=EVERYWHERE,
        environment={"MLFLOW_SERVER_ALLOWED_HOSTS": f"mlflow:{SETTINGS.mlflow_port},127.0.0.1:{SETTINGS.mlflow_port}"},
    ),
    _app("recommend", options=RECOMMEND, changes=EVERYWHERE, environment={"OPENBLAS_NUM_THREADS": "1"}),
    # Creates tables, static files and the first administrator.
    _app("site-init", prepares="web"),
    _app("web", memory="2g", cpus=2, changes=EVERYWHERE),
    _app("celery-worker", memory="2g", cpus=2),
    _app("celery-beat", memory="512m"),
    # For commands that people type: docker compose run --rm --use-aliases jobs ./run night --day 2019-10-01
    _app(
        "jobs", memory="4g", cpus=2, changes={"host": "jobs"}, options={"profiles": ["jobs"]},
        after=("kafka-topics", "datanode1", "datanode2", "spark-worker1", "spark-worker2", "spark-history-init", "site-init",
               "mongo", "redis"),
    ),
)
# fmt: on
