"""What became of the messages that the stream took: the second half of ./run ledger. Status 1 when a sum is off.

python -m streaming.ledger [--recount] [--acknowledged N] [--json FILE] [--quiet]

The stores are read one after the other while stream and night may be at work, so a sum that is off is looked at again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from cdp.events import EVENTS_RAW
from cdp.settings import SettingError, Settings, current
from streaming.ledger.read import LedgerUnread, hdfs_now, retained, written
from streaming.ledger.recount import recount
from streaming.ledger.sums import Check, Found, Lost, checks
from streaming.topic import TopicAway, topic_now

TROUBLES = (SettingError, LedgerUnread, TopicAway)
#: A batch or a compaction in between two looks is over in less.
LOOKS, PAUSE_SECONDS = 5, 1.0


def look(settings: Settings, topic: str, acknowledged: int | None) -> Found:
    """Once. The ledger last: a batch writes it after its tables."""
    now = topic_now(settings, topic)
    hdfs = hdfs_now(settings)
    book = written(settings)
    return Found(book.topics, book.reaches, book.gaps, hdfs, now, acknowledged=acknowledged)


def look_until_it_adds_up(see: Callable[[], Found], pause: Callable[[float], None] = time.sleep) -> Found:
    for _ in range(LOOKS - 1):
        found = see()
        if all(check.ok for check in checks(found)):
            return found
        pause(PAUSE_SECONDS)
    return see()


def as_json(found: Found, judged: list[Check]) -> dict[str, Any]:
    return {
        "topics": [asdict(topic) for topic in found.topics],
        "hdfs": asdict(found.hdfs),
        "waiting": found.waiting,
        "lost": [asdict(lost) for lost in found.lost],
        "recounted": None if found.recounted is None else [asdict(part) for part in found.recounted],
        "checks": [asdict(check) for check in judged],
        "adds_up": all(check.ok for check in judged),
    }


def as_text(found: Found, judged: list[Check]) -> str:
    if found.never_ran:
        return f"the stream has not run yet, {sum(found.waiting.values()):,} offsets wait in Kafka: ./run stream --once"
    lines = [f"{'ok  ' if check.ok else 'OFF '} {check.text}" for check in judged]
    for topic in found.topics:
        lines += [f"     {topic.topic}: {topic.batches:,} batches"]
        lines += [f"     quarantined: {_listed(topic.reasons)}"] if topic.reasons else []
        lines += [f"     days late: {_listed(topic.late)}"] if topic.late else []
    lines.append(f"     replayed of quarantine: {found.hdfs.replayed:,}")
    if found.hdfs.claimed:
        lines.append(f"     a replay of {found.hdfs.claimed:,} rows was cut off; the next one finishes it: ./run replay")
    lines.append(f"     waiting in Kafka: {sum(found.waiting.values()):,} offsets")
    return "\n".join([*lines, *map(_lost_told, found.lost)])


def _listed(counts: Any) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _lost_told(lost: Lost) -> str:
    return f"     lost before it was read: partition {lost.partition}, offsets {lost.start:,} until {lost.end:,}"


def main(argv: list[str] | None = None, topic: str = EVENTS_RAW.name) -> int:
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        settings = current()
        found = look_until_it_adds_up(lambda: look(settings, topic, given.acknowledged))
        if given.recount and found.reaches:
            found = replace(found, recounted=recount(settings, topic, retained(settings, found.now)))
    except TROUBLES as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    judged = checks(found)
    if given.json:
        given.json.write_text(json.dumps(as_json(found, judged), default=str))
    if not given.quiet:
        print(as_text(found, judged))
    return 0 if all(check.ok for check in judged) else 1


def _parser() -> argparse.ArgumentParser:
    name = os.environ.get("PROGRAM_NAME", "python -m streaming.ledger")
    parser = argparse.ArgumentParser(prog=name, description="What became of the messages that the stream took.")
    parser.add_argument("--recount", action="store_true", help="read the topic and count its messages; takes its time")
    parser.add_argument("--acknowledged", type=int, metavar="N", help="how many messages Kafka has acknowledged to the source")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it into this file as well")
    parser.add_argument("--quiet", action="store_true", help="show nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
