"""What became of the messages that the stream read: the second half of ./run ledger. Exits with 1 if a sum is wrong.

python -m streaming.ledger [--recount] [--acknowledged N] [--json FILE] [--quiet]

The stores are read one after the other while the stream and the night may be running, so a wrong sum is read again.
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
from streaming.ledger.checks import LedgerCheck
from streaming.ledger.read import LedgerUnreadable, read_ledger, read_retained_ranges, read_shop, read_table_counts
from streaming.ledger.recount import recount
from streaming.ledger.sums import LedgerReport, make_checks
from streaming.messages import OffsetRange
from streaming.topic import TopicUnavailable, read_topic

EXPECTED_ERRORS = (SettingError, LedgerUnreadable, TopicUnavailable)
#: A batch or a compaction that falls between two reads ends within this time.
ATTEMPTS, PAUSE_SECONDS = 5, 1.0


def read_report(settings: Settings, topic: str, acknowledged: int | None) -> LedgerReport:
    """Read all stores once, the ledger last: a batch writes it after its tables. What the shop has sent comes first, so it is no
    more than Kafka has."""
    shop = read_shop(settings)
    kafka_topic = read_topic(settings, topic)
    tables = read_table_counts(settings)
    ledger = read_ledger(settings)
    return LedgerReport(
        ledger.topics, ledger.stream_ranges, ledger.gaps, tables, kafka_topic, acknowledged=acknowledged, shop=shop
    )


def read_until_consistent(read: Callable[[], LedgerReport], pause: Callable[[float], None] = time.sleep) -> LedgerReport:
    for _ in range(ATTEMPTS - 1):
        report = read()
        if all(check.ok for check in make_checks(report)):
            return report
        pause(PAUSE_SECONDS)
    return read()


def as_json(report: LedgerReport, checks: list[LedgerCheck]) -> dict[str, Any]:
    return {
        "topics": [asdict(topic) for topic in report.topics],
        "hdfs": asdict(report.tables),
        "waiting": report.waiting,
        "lost": [{"partition": lost.partition, "start": lost.start, "end": lost.end} for lost in report.lost],
        "recounted": None if report.recounts is None else [asdict(part) for part in report.recounts],
        "shop": None if report.shop is None else asdict(report.shop),
        "checks": [asdict(check) for check in checks],
        "adds_up": all(check.ok for check in checks),
    }


def as_text(report: LedgerReport, checks: list[LedgerCheck]) -> str:
    if report.never_ran and report.shop is None:
        return f"the stream has not run yet, {sum(report.waiting.values()):,} offsets wait in Kafka: ./run stream --once"
    lines = [f"{'ok  ' if check.ok else 'OFF '} {check.text}" for check in checks]
    for topic in report.topics:
        lines += [f"     {topic.topic}: {topic.batches:,} batches"]
        lines += [f"     quarantined: {_list_counts(topic.reasons)}"] if topic.reasons else []
        lines += [f"     days late: {_list_counts(topic.late)}"] if topic.late else []
    lines.append(f"     replayed from quarantine: {report.tables.replayed:,}")
    if report.tables.claimed:
        lines.append(f"     a replay of {report.tables.claimed:,} rows was interrupted; the next ./run replay finishes it")
    if report.shop and report.shop.unsent:
        lines.append(f"     events of the shop that are about to be sent: {report.shop.unsent:,}")
    lines.append(f"     waiting in Kafka: {sum(report.waiting.values()):,} offsets")
    return "\n".join([*lines, *map(_describe_lost, report.lost)])


def _list_counts(counts: Any) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _describe_lost(lost: OffsetRange) -> str:
    return f"     lost before it was read: {lost}"


def main(argv: list[str] | None = None, topic: str = EVENTS_RAW.name) -> int:
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    try:
        settings = current()
        report = read_until_consistent(lambda: read_report(settings, topic, arguments.acknowledged))
        if arguments.recount and report.stream_ranges:
            report = replace(report, recounts=recount(settings, topic, read_retained_ranges(settings, report.kafka_topic)))
    except EXPECTED_ERRORS as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    checks = make_checks(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(as_json(report, checks), default=str))
    if not arguments.quiet:
        print(as_text(report, checks))
    return 0 if all(check.ok for check in checks) else 1


def _make_parser() -> argparse.ArgumentParser:
    name = os.environ.get("PROGRAM_NAME", "python -m streaming.ledger")
    parser = argparse.ArgumentParser(prog=name, description="Shows what became of the messages that the stream read.")
    parser.add_argument("--recount", action="store_true", help="also read the topic and count its messages; slow")
    parser.add_argument("--acknowledged", type=int, metavar="N", help="number of messages that Kafka acknowledged to the source")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the report to this file")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
