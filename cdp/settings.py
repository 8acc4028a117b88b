"""The one table of settings: every value that can differ between two installations, and nothing else.

A setting is a field of `Settings`; its environment name is `CDP_` and the field in capitals. Values come from the
environment, from the file that `NAME_FILE` names, or from the default. Defaults may use settings above them.
An unknown name or a wrong value stops the process with a message that names the setting.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from cdp.errors import did_you_mean

PREFIX = "CDP_"
REPOSITORY = Path(__file__).resolve().parent.parent
#: Port bases of the named stacks. Other stacks derive one from their name, so stacks can run side by side.
PORT_BASES = {"demo": 18000, "test": 18200, "testsite": 18400}


class SettingError(ValueError):
    """A setting is missing, unknown or wrong. The message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class About:
    """The facts about one setting besides its name and type."""

    default: str
    help: str
    secret: bool = False
    generate: str = ""  # how `./run env` makes a secret: "hex", "key", "fernet" or "" for never
    pattern: str = ""
    choices: tuple[str, ...] = ()
    offset: int | None = None  # for a port: its offset from `port_base`
    minimum: int = 0


def _setting(default: str, help: str, **about: Any) -> Any:
    note = About(default, help, **about)
    return field(repr=not note.secret, metadata={"about": note})


def _port(offset: int, help: str) -> Any:
    return _setting("", help, offset=offset, minimum=1)


def _heap(default: str, help: str) -> Any:
    return _setting(default, help, pattern=r"[1-9]\d*[mg]")


def _rate(default: str, help: str) -> Any:
    return _setting(default, help, pattern=r"[1-9]\d*/(s|min|h|d)")


def _secret(help: str, generate: str = "hex") -> Any:
    return _setting("", help, secret=True, generate=generate)


# fmt: off
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, read and checked once. The order is the order of the documentation."""

    # The stack itself
    stack: str = _setting("demo", "Name of the stack; its state lives in a folder of that name.", pattern=r"[a-z][a-z0-9-]{0,20}")
    var_dir: Path = _setting(str(REPOSITORY / "var"), "Where the state of all stacks lives.")
    port_base: int = _setting("0", "First port of the stack; 0: the port that belongs to the stack's name.")
    host: str = _setting("127.0.0.1", "Address the servers listen on.")
    apt: bool = _setting("yes", "Whether ./run may install missing system packages through apt (it must be root).")
    min_disk_mb: int = _setting("3000", "Free disk below which ./run up refuses to start, in MB.")
    min_memory_mb: int = _setting("6000", "Available memory below which ./run up refuses to start, in MB.")
    start_timeout: int = _setting("240", "Seconds a service may take to become healthy in ./run up.", minimum=1)

    diff_folder: Path = _setting("{var_dir}/{stack}/exports", "Folder in which the DAG `diff` looks for exports of the shop's tables.")

    # Ports
    web_port: int = _port(0, "The web site.")
    source_port: int = _port(1, "The source server.")
    airflow_port: int = _port(2, "Airflow's API and pages.")
    airflow_log_port: int = _port(3, "Airflow's log server.")
    shop_api_port: int = _port(4, "The API that reads the sample shop's tables.")
    recommend_port: int = _port(5, "The recommendation API.")
    mlflow_port: int = _port(6, "MLflow's API and pages.")
    kafka_port: int = _port(20, "Kafka's broker.")
    kafka_controller_port: int = _port(21, "Kafka's KRaft controller.")
    namenode_port: int = _port(30, "HDFS NameNode, RPC.")
    namenode_http_port: int = _port(31, "HDFS NameNode, pages and WebHDFS.")
    datanode1_port: int = _port(32, "First DataNode, data.")
    datanode1_http_port: int = _port(33, "First DataNode, pages and WebHDFS.")
    datanode1_ipc_port: int = _port(34, "First DataNode, RPC.")
    datanode2_port: int = _port(35, "Second DataNode, data.")
    datanode2_http_port: int = _port(36, "Second DataNode, pages and WebHDFS.")
    datanode2_ipc_port: int = _port(37, "Second DataNode, RPC.")
    secondary_http_port: int = _port(38, "HDFS SecondaryNameNode's page.")
    spark_master_port: int = _port(40, "Spark master, RPC.")
    spark_master_ui_port: int = _port(41, "Spark master's page.")
    spark_worker_port: int = _port(42, "Spark worker, RPC.")
    spark_worker_ui_port: int = _port(43, "Spark worker's page.")
    spark_history_port: int = _port(44, "Spark history server's page.")
    postgres_port: int = _port(50, "Postgres.")
    mongo_port: int = _port(51, "MongoDB, or the stand-in natively.")
    redis_port: int = _port(52, "Redis.")
    shop_port: int = _port(53, "The sample shop's Postgres.")
    connect_port: int = _port(54, "Kafka Connect's REST API.")

    # Secrets: generated once for a stack, or set through NAME or NAME_FILE
    postgres_password: str = _secret("Password of the Postgres user.")
    redis_password: str = _secret("Password of Redis.")
    shop_password: str = _secret("Password of the owner of the sample shop's database.")
    shop_cdc_password: str = _secret("Password of `cdc`, which reads the changes of the sample shop's database.")
    shop_reader_password: str = _secret("Password of `shop_reader`, which may only read the sample shop's tables.")
    admin_password: str = _secret("Password of the site's first administrator.")
    django_secret_key: str = _secret("Django's signing key.", generate="key")
    airflow_password: str = _secret("Password of Airflow's administrator.")
    airflow_jwt_secret: str = _secret("Signs the tokens of Airflow's API.")
    airflow_fernet_key: str = _secret("Encrypts Airflow's stored connections.", generate="fernet")
    source_token: str = _secret("Token that clients of the source server must send; empty: none.", generate="")

    recommend_token: str = _secret("Token that callers of the recommendation API must send.")

    # Where things answer
    kafka_bootstrap: str = _setting("127.0.0.1:{kafka_port}", "Kafka brokers, host:port, comma separated.")
    kafka_security: str = _setting(
        "PLAINTEXT", "Kafka clients' security.protocol.", choices=("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
    )
    kafka_partitions: int = _setting("4", "Partitions of the events topic.", minimum=1)
    kafka_replication: int = _setting("1", "Replicas of each topic; 3 on a real cluster.", minimum=1)
    kafka_retention_hours: int = _setting("168", "Hours that Kafka keeps events.", minimum=1)
    hdfs_url: str = _setting("hdfs://127.0.0.1:{namenode_port}", "HDFS, as clients name it (a nameservice under HA).")
    hdfs_root: str = _setting("/cdp", "Folder of the platform's tables on HDFS.", pattern=r"/\S*[^/]")
    hdfs_http: str = _setting("http://127.0.0.1:{namenode_http_port}", "NameNode's pages and WebHDFS.")
    hdfs_replication: int = _setting("2", "Replicas of each HDFS block; 3 on a real cluster.", minimum=1)
    hdfs_datanodes: int = _setting("2", "DataNodes that must be alive for HDFS to count as healthy.", minimum=1)
    spark_master_url: str = _setting("spark://127.0.0.1:{spark_master_port}", "Where Spark applications go (yarn on a YARN cluster).")
    spark_master_http: str = _setting("http://127.0.0.1:{spark_master_ui_port}", "Spark master's page.")
    spark_history_http: str = _setting("http://127.0.0.1:{spark_history_port}", "Spark history server's page.")
    spark_worker_slots: int = _setting("8", "Cores a worker offers; more than the machine has, so streams and night can run side by side.", minimum=1)
    postgres_host: str = _setting("127.0.0.1", "Postgres host.")
    postgres_user: str = _setting("cdp", "Postgres user.", pattern=r"[a-z_][a-z0-9_]*")
    postgres_database: str = _setting("cdp", "Postgres database of the platform.", pattern=r"[a-z_][a-z0-9_]*")
    airflow_database: str = _setting("airflow", "Postgres database of Airflow.", pattern=r"[a-z_][a-z0-9_]*")
    shop_host: str = _setting("127.0.0.1", "Host of the sample shop's Postgres.")
    shop_user: str = _setting("shop", "Owner of the sample shop's database.", pattern=r"[a-z_][a-z0-9_]*")
    shop_database: str = _setting("shop", "Database of the sample shop.", pattern=r"[a-z_][a-z0-9_]*")
    mongo_url: str = _setting("mongodb://127.0.0.1:{mongo_port}", "MongoDB; may carry a login.", secret=True)
    mongo_database: str = _setting("cdp", "MongoDB database.")
    redis_url: str = _setting("redis://:{redis_password}@127.0.0.1:{redis_port}/0", "Redis, the Celery broker.", secret=True)
    source_url: str = _setting("http://127.0.0.1:{source_port}", "The source server.")
    shop_api_url: str = _setting("http://127.0.0.1:{shop_api_port}", "The API that reads the sample shop's tables.")
    connect_url: str = _setting("http://127.0.0.1:{connect_port}", "Kafka Connect's REST API.")
    mlflow_database: str = _setting("mlflow", "Postgres database of MLflow.", pattern=r"[a-z_][a-z0-9_]*")
    mlflow_url: str = _setting("http://127.0.0.1:{mlflow_port}", "MLflow.")
    recommend_url: str = _setting("http://127.0.0.1:{recommend_port}", "The recommendation API, as the site calls it.")
    web_url: str = _setting("http://127.0.0.1:{web_port}", "The web site.")
    airflow_url: str = _setting("http://127.0.0.1:{airflow_port}", "Airflow.")

    # Sizes
    kafka_heap: str = _heap("384m", "Heap of the Kafka broker.")
    connect_heap: str = _heap("192m", "Heap of Kafka Connect.")
    namenode_heap: str = _heap("256m", "Heap of the NameNode, and of the SecondaryNameNode, which reads the same image.")
    datanode_heap: str = _heap("192m", "Heap of a DataNode.")
    spark_daemon_heap: str = _heap("256m", "Heap of the Spark master, worker and history server.")
    spark_worker_memory: str = _heap("8g", "Memory a Spark worker offers to executors.")
    spark_driver_memory: str = _heap("1g", "Memory of a job's driver.")
    spark_executor_memory: str = _heap("1g", "Memory of a job's executor.")
    spark_java_options: str = _setting("", "JVM options of drivers and executors, in addition to spark-defaults.conf; -XX:TieredStopAtLevel=1 saves a fifth of the CPU if days are small.")
    spark_job_cores: int = _setting("2", "Cores of a nightly job (spark.cores.max).", minimum=1)
    spark_stream_cores: int = _setting("2", "Cores of the stream (spark.cores.max).", minimum=1)
    stream_interval_seconds: int = _setting("15", "Seconds between two batches of the stream: events reach HDFS within about this time; a shorter interval makes more and smaller files.", minimum=1)
    stream_batch_messages: int = _setting("1000000", "Most messages in one batch of the stream; limits its memory after a long pause.", minimum=1)
    stream_worker_mb: int = _setting("448", "Memory of each of the stream's Python workers, in MB, about: one that needs more for its events writes them out before it reads on, which leaves more files.", minimum=300)
    shop_interval_seconds: int = _setting("1", "Seconds between two batches of the stream \"shop\".", minimum=1)
    shop_batch_messages: int = _setting("100000", "Most messages in one batch of the stream \"shop\"; its driver holds them all.", minimum=1)
    shop_merge_seconds: int = _setting("30", "Seconds after which changes of the shop's database are merged into the tables on HDFS.", minimum=1)
    shop_stream_cores: int = _setting("1", "Cores of the stream \"shop\".", minimum=1)
    live_interval_seconds: int = _setting("1", "Seconds between two batches of the stream \"live\".", minimum=1)
    live_batch_messages: int = _setting("100000", "Most messages in one batch of the stream \"live\".", minimum=1)
    live_stream_cores: int = _setting("1", "Cores of the stream \"live\".", minimum=1)
    live_late_minutes: int = _setting("10", "Minutes that an event may come after a newer one and still change its window.", minimum=1)
    live_age_hours: int = _setting("24", "The stream \"live\" counts an event only if it was received within so many hours of its time.", minimum=1)
    interest_minutes: int = _setting("30", "Minutes that a customer's short-term interests last.", minimum=1)
    diff_upload_mb: int = _setting("1024", "Size of the largest export that the source server accepts, in MB.", minimum=1)
    compact_file_mb: int = _setting("128", "Size of the files into which the night compacts a day's events, in MB; about one HDFS block.", minimum=1)
    compact_days: int = _setting("62", "Most days of events that a night compacts, those with the most files first; 0: none.")
    vacuum_hours: int = _setting("168", "Hours that replaced files of a table stay on HDFS; below 168 Delta's own safety check is off, and a reader or writer that takes longer fails.", minimum=1)
    snapshot_days: int = _setting("400", "Days for which the customers and the interactions of a publication can be read.", minimum=1)
    mongo_heap: str = _heap("2g", "Heap of the MongoDB stand-in.")
    redis_maxmemory: str = _heap("256m", "Most memory Redis may take.")
    web_workers: int = _setting("2", "Gunicorn's worker processes.", minimum=1)
    celery_concurrency: int = _setting("2", "Celery's worker processes.", minimum=1)

    # Segments
    segment_max_rows: int = _setting(
        "400000000", "Rows that one rule may read; a rule that would read more is refused with its most expensive condition.",
        minimum=1,
    )
    segment_lease_seconds: int = _setting(
        "60", "A run of a segment whose worker is silent for so long is given to another worker.", minimum=2
    )
    segment_cluster_rows: int = _setting(
        "50000000", "Customers and rows of interactions above which a run of a segment is computed on the Spark cluster; 0: always.",
    )
    webhook_private: bool = _setting(
        "no", "Whether webhooks may call loopback and private addresses, such as those of your own network."
    )

    # Recommendations
    recommend_rate: int = _setting("300", "Requests a second that the recommendation API answers to one address; 0: no limit.")
    recommend_origins: str = _setting(
        "", "Origins of shop pages that may report what was seen and clicked, such as https://shop.example, comma separated; empty: only pages that the API's own host serves.",
        pattern=r"(https?://[^\s,/]+(,https?://[^\s,/]+)*)?",
    )
    recommend_click_hours: int = _setting("24", "Hours after a click within which an order of the product is attributed to it.", minimum=1)
    recommend_exposure_days: int = _setting(
        "400", "Days for which lists that were shown, clicks and times of answers are kept, counted back from the first day that results need.", minimum=1,
    )
    recommend_train_days: int = _setting("7", "Days after which a night trains new models; on the other nights it only publishes.", minimum=1)

    # The site
    admin_user: str = _setting("admin", "Login of the site's first administrator, and of Airflow's.")
    web_hosts: str = _setting("127.0.0.1,localhost", "Host names the site answers to, comma separated.")
    web_proxies: int = _setting("0", "Proxies in front of the site; the address of a visitor is the one that the outermost of them saw.")
    web_debug: bool = _setting("no", "Django's debug pages; never on a machine others can reach.")
    mail_url: str = _setting(
        "", "Server that sends e-mail: smtp://HOST, smtp+starttls://USER:PASSWORD@HOST or smtps://…, each with :PORT if it is another one; empty: no e-mail.",
        secret=True, pattern=r"((smtp|smtps|smtp\+starttls)://\S+)?",
    )
    mail_from: str = _setting("cdp@localhost", "Sender of e-mail.")
    api_rate: str = _rate("600/min", "Requests that one user may send to the API.")
    api_burst_rate: str = _rate("40/s", "Requests that one user may send to the API within a second.")
    api_preview_rate: str = _rate("120/min", "Previews of rules that one user may request.")
    currency: str = _setting("USD", "Currency of all prices; an event in another currency is refused.", pattern=r"[A-Z]{3}")

    @property
    def state_dir(self) -> Path:
        """State of this stack."""
        return self.var_dir / self.stack
# fmt: on


def env_name(attribute: str) -> str:
    return PREFIX + attribute.upper()


def about(f: Field[Any]) -> About:
    note: About = f.metadata["about"]
    return note


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check every setting; raises SettingError with the name of the first that is wrong."""
    env = os.environ if environ is None else environ
    _refuse_unknown(env)
    values: dict[str, Any] = {}
    for f in fields(Settings):
        text = _read_text(f, env, values)
        values[f.name] = _parse_value(f, text)
        if f.name == "port_base" and values["port_base"] == 0:
            values["port_base"] = port_base(values["stack"])
    return Settings(**values)


@cache
def current() -> Settings:
    """The settings of this process, read once."""
    return load()


def port_base(stack: str) -> int:
    """The first port of a stack that sets none: fixed for the named stacks, else derived from the name."""
    return PORT_BASES.get(stack) or 19000 + 100 * (zlib.crc32(stack.encode()) % 100)


def _refuse_unknown(env: Mapping[str, str]) -> None:
    names = {env_name(f.name) for f in fields(Settings)}
    for name in sorted(env):
        if name.startswith(PREFIX) and name not in names and name.removesuffix("_FILE") not in names:
            raise SettingError(f"{name} is not a setting; {did_you_mean(name, names, 'docs/settings.md lists them all.')}")


def _read_text(f: Field[Any], env: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """The raw value from the environment, a file or the default."""
    name, note = env_name(f.name), about(f)
    if name in env and name + "_FILE" in env:
        raise SettingError(f"{name} and {name}_FILE are both set; keep one.")
    if name in env:
        return env[name]
    if name + "_FILE" in env:
        return _read_file(name + "_FILE", Path(env[name + "_FILE"]))
    if note.generate:
        path = Path(values["var_dir"]) / values["stack"] / "secrets" / f.name
        return path.read_text().strip() if path.is_file() else ""
    if note.offset is not None:
        return str(values["port_base"] + note.offset)
    return note.default.format(**values)


def _read_file(name: str, path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise SettingError(f"{name} names {path}, which can't be read: {error.strerror}.") from error


_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")


def _parse_bool(text: str) -> bool:
    if text.lower() not in _YES + _NO:
        raise ValueError("yes or no")
    return text.lower() in _YES


def _parse_int(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError("a whole number")
    return int(text)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": _parse_int,
    "bool": _parse_bool,
    "Path": lambda text: Path(text).expanduser().absolute(),
}


def _parse_value(f: Field[Any], text: str) -> Any:
    name, note = env_name(f.name), about(f)
    displayed = "the given value" if note.secret else repr(text)
    try:
        value = _PARSERS[str(f.type)](text)
    except ValueError as error:
        raise SettingError(f"{name} must be {error}, not {displayed}.") from None
    if note.pattern and not re.fullmatch(note.pattern, text):
        raise SettingError(f"{name} must look like {note.pattern}, not {displayed}.")
    if note.choices and text not in note.choices:
        raise SettingError(f"{name} must be one of {', '.join(note.choices)}, not {displayed}.")
    if note.minimum and isinstance(value, int) and value < note.minimum:
        raise SettingError(f"{name} must be {note.minimum} or more, not {displayed}.")
    if note.offset is not None and not 1 <= value <= 65535:
        raise SettingError(f"{name} must be a port from 1 to 65535, not {displayed}.")
    return value


def secrets_to_make() -> dict[str, str]:
    """Secrets that a stack generates at its first start: field name -> method."""
    return {f.name: about(f).generate for f in fields(Settings) if about(f).generate}


assert all(f.default is MISSING for f in fields(Settings)), "defaults belong to the table, not to the class"
