"""What the stack's probes read."""

from __future__ import annotations

import time

import redis
from django.db import DatabaseError, connection

from cdp.errors import first_line
from cdp.programs import HEARTBEAT
from cdp.settings import current

HEARTBEAT_LIFETIME = 120


def heartbeat_write() -> int:
    """Record that beat, broker and a worker are all alive."""
    second = int(time.time())
    with redis.Redis.from_url(current().redis_url, socket_timeout=5) as client:
        client.set(HEARTBEAT, second, ex=HEARTBEAT_LIFETIME)
    return second


def find_database_problem() -> str:
    """Why the database can't be used; empty if it can."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"Postgres does not answer: {first_line(error)}"
    return ""
