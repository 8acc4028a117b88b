"""What programs of different folders know of each other: where each is seen to live, how they begin and end."""

from __future__ import annotations

import os

#: A connection of this name to Postgres is there as long as a stream runs.
STREAM = "cdp stream"
#: Redis key that holds the epoch second of the workers' last scheduled task.
HEARTBEAT = "cdp:beat"
#: Exit status of a stream that started again would end in the same way: somebody has to do something first.
STREAM_NEEDS_PERSON = 3
#: Exit status of a night whose gate is closed: begun again it ends in the same way, unless somebody accepts what a check says.
NIGHT_NEEDS_PERSON = 3
#: Exit status of a scheduled night that has nothing to publish, because the events end before it. Airflow counts it as skipped.
NIGHT_SKIPPED = 99
#: Set by ./run where a server is away: the program says whether its words are right, and ends before it asks a server.
ONLY_WORDS = "PROGRAM_ONLY_WORDS"


def only_words() -> bool:
    return ONLY_WORDS in os.environ
