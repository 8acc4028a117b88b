"""Our own programs: source server, the API of the sample shop, web site, Celery worker and beat."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from threading import Lock

from cdp.errors import first_line
from cdp.postgres import shop_connection_arguments
from cdp.programs import HEARTBEAT
from cdp.settings import REPOSITORY, Settings
from infra.stack.cause import find_cause
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.services.http import get_json
from infra.stack.stack import Stack, StackError, venv_bin

#: Seconds after which the heartbeat task counts as late.
BEAT_LATE = 35
#: Seconds without a change of a cart after which the simulation of the shop counts as ended.
VISITORS_LATE = 60

_migrating = Lock()
_prepared: set[Path] = set()


def _python(*arguments: str) -> StartCommand:
    return StartCommand((sys.executable, *arguments))


def _web(stack: Stack) -> StartCommand:
    settings = stack.settings
    argv = (
        venv_bin("gunicorn"), "cdp_web.wsgi:application", "--bind", f"{settings.host}:{settings.web_port}",
        "--workers", str(settings.web_workers), "--threads", "4", "--preload", "--no-control-socket",
        "--worker-tmp-dir", "/dev/shm", "--access-logfile", "-", "--timeout", "60",
    )  # fmt: skip
    return StartCommand(argv)


def _celery(*arguments: str) -> StartCommand:
    return StartCommand((venv_bin("celery"), "-A", "cdp_web.celery:app", *arguments, "--loglevel", "info"))


def _worker(stack: Stack) -> StartCommand:
    return _celery(
        "worker", "--hostname", f"worker@{stack.settings.stack}", "--concurrency", str(stack.settings.celery_concurrency)
    )


def _beat(stack: Stack) -> StartCommand:
    return _celery("beat", "--schedule", str(stack.run_dir / "celery-beat" / "schedule"), "--pidfile=")


def _prepare(stack: Stack) -> None:
    """Create Django's tables, static files and first administrator: once per start for the three services of the site."""
    with _migrating:
        if stack.state in _prepared:
            return
        for arguments in (("migrate", "--no-input"), ("ensure_admin",), ("collectstatic", "--no-input")):
            argv = (sys.executable, str(REPOSITORY / "manage.py"), *arguments, "-v", "0")
            result = subprocess.run(argv, env=stack.base_env, capture_output=True, text=True)
            if result.returncode:
                raise StackError(f"manage.py {arguments[0]} failed: {find_cause(result.stdout + result.stderr)}")
        _prepared.add(stack.state)


def _prepare_shop(stack: Stack) -> None:
    """Create the shop's tables and the login of its API; rows come from ./run shop init."""
    argv = (sys.executable, "-m", "source_server.shop", "init", "--empty")
    result = subprocess.run(argv, env=stack.base_env, capture_output=True, text=True, cwd=REPOSITORY)
    if result.returncode:
        raise StackError(f"The sample shop could not be set up: {find_cause(result.stdout + result.stderr)}")


def _probe_shop(settings: Settings) -> str:
    health = get_json(f"{settings.shop_api_url}/health", "./run logs shop-api")
    return "answers, reads the shop" if health["has_products"] else "answers; the shop is empty: ./run shop init"


def _probe_visitors(settings: Settings) -> str:
    """A cart has changed within the last minute. A living process would not prove this: it may be waiting for the database."""
    import psycopg2

    try:
        connection = psycopg2.connect(**shop_connection_arguments(settings, "reader", "cdp status", 3))
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM now() - max(updated_at))::int FROM shop.carts")
            ((seconds,),) = cursor.fetchall()
        connection.close()
    except psycopg2.Error as error:
        raise Unhealthy(f"the shop's database can't be read: {first_line(error)}", "./run status shop-db") from error
    if seconds is None or seconds > VISITORS_LATE:
        raise Unhealthy("nobody has changed a cart for a minute", "./run logs shop-visitors")
    return f"last change of a cart {seconds} s ago"


def _visit(stack: Stack) -> StartCommand:
    """Visitors see recommendations whenever the API answers."""
    pace = ("--rate", "2", "--minutes", "525600", "--views")
    return _python("-m", "source_server.shop", "simulate", *pace, "--recommendations", stack.settings.recommend_url)


def _probe_source(settings: Settings) -> str:
    health = get_json(f"{settings.source_url}/health", "./run logs source")
    return f"{health['datasets']} data sets"


def _probe_web(settings: Settings) -> str:
    health = get_json(f"{settings.web_url}/health", "./run logs web")
    if health.get("status") != "ok":
        raise Unhealthy(str(health), "./run logs web")
    return "answers, reaches its database"


def _probe_worker(settings: Settings) -> str:
    """Ping the worker of this stack through the broker."""
    from celery import Celery

    name = f"worker@{settings.stack}"
    app = Celery(broker=settings.redis_url)
    app.conf.broker_transport_options = {"socket_timeout": 5, "socket_connect_timeout": 5}
    try:
        answers = app.control.ping(destination=[name], timeout=2.0, limit=1)
    except Exception as error:  # kombu has different exceptions for each transport
        raise Unhealthy(f"no broker: {error}", "./run logs redis") from error
    finally:
        app.close()
    if not answers:
        raise Unhealthy("it does not answer a ping", "./run logs celery-worker")
    return "answers a ping"


def _probe_beat(settings: Settings) -> str:
    """The heartbeat task, which beat sends and the worker executes, ran recently: the schedule works end to end."""
    import redis

    client = redis.Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=5)
    try:
        heartbeat = client.get(HEARTBEAT)
    except redis.RedisError as error:
        raise Unhealthy(str(error), "./run logs redis") from error
    finally:
        client.close()
    if heartbeat is None:
        raise Unhealthy("no scheduled task has run yet", "./run logs celery-beat")
    age = time.time() - float(heartbeat)
    if age > BEAT_LATE:
        raise Unhealthy(f"the last scheduled task ran {age:.0f} s ago", "./run logs celery-beat")
    return f"last scheduled task {max(age, 0):.0f} s ago"


SOURCE = Service(
    name="source",
    title="Source server",
    needs=(),
    ports=("source_port",),
    command=lambda stack: _python("-m", "source_server"),
    probe=_probe_source,
    address="{source_url}",
)

SHOP_API = Service(
    name="shop-api",
    title="Shop's API",
    needs=("shop-db",),
    ports=("shop_api_port",),
    command=lambda stack: _python("-m", "source_server.shop", "serve"),
    prepare=_prepare_shop,
    probe=_probe_shop,
    address="{shop_api_url}",
    group="live",
)

SHOP_VISITORS = Service(
    name="shop-visitors",
    title="Sample shop's visitors",
    needs=("shop-db", "kafka"),
    ports=(),
    command=_visit,
    prepare=_prepare_shop,
    probe=_probe_visitors,
)

_service = partial(Service, group="site", prepare=_prepare)

WEB = _service(
    name="web",
    title="Web site",
    needs=("postgres", "redis", "mongo"),
    ports=("web_port",),
    command=_web,
    probe=_probe_web,
    address="{web_url}",
)
WORKER = _service(
    name="celery-worker",
    title="Celery worker",
    needs=("postgres", "redis", "mongo"),
    ports=(),
    command=_worker,
    probe=_probe_worker,
    address="",
)
BEAT = _service(
    name="celery-beat",
    title="Celery beat",
    needs=("postgres", "redis"),
    brings=("celery-worker",),
    ports=(),
    command=_beat,
    probe=_probe_beat,
    address="",
)
