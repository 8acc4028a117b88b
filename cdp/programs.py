"""What programs of different folders know of each other: signs of life, start modes and exit statuses."""

from __future__ import annotations

import os

#: Name of the Postgres connection that is open while a stream runs.
STREAM = "cdp stream"
#: Redis key that holds the epoch second of the workers' last scheduled task.
HEARTBEAT = "cdp:beat"
#: Exit status of a stream when a restart cannot help: a person must act first.
STREAM_NEEDS_PERSON = 3
#: Exit status of a night whose gate is closed. A rerun ends the same way unless somebody accepts the failed check.
NIGHT_NEEDS_PERSON = 3
#: Exit status of a scheduled night with nothing to publish because the events end before its day. Airflow marks it as skipped.
NIGHT_SKIPPED = 99
#: Set by ./run when a server is down: the program checks its arguments and ends before it contacts a server.
CHECK_ARGUMENTS_ONLY = "PROGRAM_CHECK_ARGUMENTS_ONLY"


def check_arguments_only() -> bool:
    return CHECK_ARGUMENTS_ONLY in os.environ
