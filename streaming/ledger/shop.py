"""The part of the ledger about the shop's own database: what became of its changes, and whether each paid line is an event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass

from psycopg2.extensions import cursor as Cursor

from cdp import postgres
from cdp.events.topics import CDC_HEARTBEATS, name_shop_topic
from cdp.mart.shop import READING, REFUND, REFUSED, SENT
from streaming.ledger.checks import LedgerCheck, Sum, compare
from streaming.shop.changes import Counts
from streaming.shop.events import MISSING_PART, PAID_LINES
from streaming.shop.sender import SentPositions, find_last_sent

_CHANGES = f"""
    SELECT topic, sum(received)::bigint, sum(superseded)::bigint, sum(tombstones)::bigint, sum(refused)::bigint,
        sum(applied)::bigint
    FROM {READING.full_name} GROUP BY 1 ORDER BY 1"""
_LAST_STREAM = f"SELECT stream FROM {READING.full_name} ORDER BY batch DESC LIMIT 1"
_LINES = f"""
    SELECT count(*), count(s.event_id), count(*) FILTER (WHERE s.event_id IS NULL AND {MISSING_PART} IS NOT NULL)
    FROM {PAID_LINES}"""
_REFUNDS = f"""
    SELECT count(*), count(s.event_id), count(*) FILTER (WHERE s.event_id IS NULL AND bought.event_id IS NULL)
    FROM {REFUND.full_name} r LEFT JOIN {SENT.full_name} s ON s.event_id = 'refund:' || r.refund_id
    LEFT JOIN {SENT.full_name} bought ON bought.event_id = 'order:' || r.order_id || ':' || r.line"""


@dataclass(frozen=True, slots=True)
class Completeness:
    """Rows of which an event is to be made, events of them, and rows that wait for another row."""

    known: int
    sent: int
    waiting: int


@dataclass(frozen=True, slots=True)
class ShopSums:
    """All counts of this hop."""

    changes: Mapping[str, Counts]  # by topic, all streams together
    kept_refusals: int
    lines: Completeness
    refunds: Completeness
    sent: int  # events that are in Kafka
    unsent: int  # events that are about to be sent


def has_shop(cursor: Cursor) -> bool:
    """Whether the stream "shop" has read anything."""
    cursor.execute(postgres.TABLE_EXISTS, [READING.full_name])
    if cursor.fetchone() != (True,):
        return False
    cursor.execute(f"SELECT EXISTS (SELECT FROM {READING.full_name})")
    return cursor.fetchone() == (True,)


def read_shop_sums(cursor: Cursor, positions: SentPositions) -> ShopSums:
    cursor.execute(_CHANGES)
    changes = {topic: Counts(*counts) for topic, *counts in cursor.fetchall()}
    cursor.execute(_LAST_STREAM)
    ((stream,),) = cursor.fetchall()
    last_sent = find_last_sent(cursor, positions, stream)
    count = "count(*) FILTER (WHERE batch {} %s)"
    cursor.execute(f"SELECT {count.format('<=')}, {count.format('>')} FROM {SENT.full_name}", [last_sent, last_sent])
    ((sent, unsent),) = cursor.fetchall()
    cursor.execute(f"SELECT count(*) FROM {REFUSED.full_name}")
    ((kept_refusals,),) = cursor.fetchall()
    return ShopSums(changes, kept_refusals, _count_lines(cursor), _count_refunds(cursor), sent, unsent)


def _count_lines(cursor: Cursor) -> Completeness:
    sends = {name: _is_sent(cursor, name) for name in ("products", "categories")}
    cursor.execute(_LINES, sends)
    return Completeness(*cursor.fetchall()[0])


def _is_sent(cursor: Cursor, table: str) -> bool:
    """Whether the shop has ever sent a row of the table."""
    cursor.execute(f"SELECT EXISTS (SELECT FROM {READING.full_name} WHERE topic = %s)", [name_shop_topic(table)])
    return cursor.fetchone() == (True,)


def _count_refunds(cursor: Cursor) -> Completeness:
    cursor.execute(_REFUNDS)
    return Completeness(*cursor.fetchall()[0])


def check_shop(sums: ShopSums) -> Iterator[LedgerCheck]:
    counts = [count for topic, count in sums.changes.items() if topic != CDC_HEARTBEATS.name]
    yield _check_changes("shop's changes", sum_counts(counts))
    checks = (_check_changes(topic, count) for topic, count in sums.changes.items())
    # These are shown only if they fail.
    yield from (check for check in checks if not check.ok)
    refused = sum(count.refused for count in sums.changes.values())
    if refused or sums.kept_refusals:
        yield compare(f"rows of {REFUSED.full_name}", Sum([("refused", refused)]), Sum([("rows", sums.kept_refusals)]))
    yield _check_complete("paid order lines", "purchases", "order, product or category", sums.lines)
    yield _check_complete("refunds", "events", "purchase", sums.refunds)


def sum_counts(counts: Iterable[Counts]) -> Counts:
    return Counts(*(sum(column) for column in zip(*map(astuple, counts), strict=True)))


def _check_changes(place: str, counts: Counts) -> LedgerCheck:
    parts = [(name, getattr(counts, name)) for name in ("applied", "superseded", "tombstones", "refused")]
    return compare(place, Sum([("received", counts.received)]), Sum(parts))


def _check_complete(place: str, events: str, missing: str, rows: Completeness) -> LedgerCheck:
    return compare(
        place, Sum([("known", rows.known)]), Sum([(events, rows.sent), (f"waiting for their {missing}", rows.waiting)])
    )
