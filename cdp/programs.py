"""What programs of different folders know of each other: by what name the stream is seen in Postgres, and how it ends."""

from __future__ import annotations

#: A connection of this name is there as long as a stream runs.
STREAM = "cdp stream"
#: Exit status of a stream that started again would end in the same way: somebody has to do something first.
STREAM_NEEDS_PERSON = 3
