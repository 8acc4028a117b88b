"""What programs of different folders know of each other: signs of life, start modes, exit statuses and Airflow's DAGs."""

from __future__ import annotations

import os

#: The name of the stream that writes the events. It names the checkpoint and the lock.
EVENTS_STREAM = "events"
#: The stream that merges the shop's changes and makes events of its orders, and the one that keeps the live numbers.
SHOP_STREAM = "shop"
LIVE_STREAM = "live"
#: The stream that writes what was shown and clicked.
EXPOSURES_STREAM = "exposures"
#: Name of the Postgres connection that is open while the stream "events" runs.
STREAM = "cdp stream"
#: Redis key that holds the epoch second of the workers' last scheduled task.
HEARTBEAT = "cdp:beat"
#: Exit status of a stream when a restart cannot help: a person must act first.
STREAM_NEEDS_PERSON = 3
#: Exit status of a night whose gate is closed. A rerun ends the same way unless somebody accepts the failed check.
NIGHT_NEEDS_PERSON = 3
#: Exit status of a scheduled night with nothing to publish because the events end before its day. Airflow marks it as skipped.
NIGHT_SKIPPED = 99
#: The DAG that runs each night, and the hour (UTC) of its schedule: two hours after the end of the day, so that late events of
#: the evening have arrived.
NIGHT_DAG = "night"
NIGHT_HOUR = 2
#: The DAGs without a schedule, which the site starts: one publishes a day, the other replays quarantined messages.
PUBLISH_DAG = "publish"
REPLAY_DAG = "replay"
#: The DAG that publishes recommendations, and the Airflow asset that starts it: a day that was published.
RECOMMEND_DAG = "recommend"
PUBLISHED_DAY_ASSET = "published-day"
#: Set by ./run when a server is down: the program checks its arguments and ends before it contacts a server.
CHECK_ARGUMENTS_ONLY = "PROGRAM_CHECK_ARGUMENTS_ONLY"


def name_stream(query: str) -> str:
    """Name of the Postgres connection and of the Spark application of a stream."""
    return STREAM if query == EVENTS_STREAM else f"{STREAM} {query}"


def check_arguments_only() -> bool:
    return CHECK_ARGUMENTS_ONLY in os.environ
