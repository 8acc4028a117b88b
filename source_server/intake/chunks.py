"""From a file to the messages that go to Kafka, a chunk at a time, with the account of what became of its rows."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from source_server.intake.account import KEPT_PLACES, Account, Refusals
from source_server.intake.block import Block, Kept
from source_server.intake.judge import CHECKS, NOT_JSON
from source_server.intake.kinds import format_of
from source_server.intake.mapping import Mapping
from source_server.intake.messages import Judged, Messages
from source_server.intake.readers import blocks
from source_server.intake.refusal import FileRefused
from source_server.intake.repeated import Seen, with_own_id
from source_server.intake.sql import engine

JUDGES = 2
#: So many rows of a first block must have been judged before hardly any event among them refuses the file.
ENOUGH_ROWS = 10
FEW = 0.01


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages in the order of the file, each ending with a line end; `times` is null where the time can't be read.
    `same` has a number a row, equal where the parser would make the same id of two events."""

    lines: pa.Array
    times: pa.Array
    account: Account
    fraction: float | None
    types: dict[str, int] = field(default_factory=dict)
    same: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))


def chunks(path: Path, mapping: Mapping, source: str, now: datetime) -> Iterator[Chunk]:
    """The whole file; what can't be loaded at all raises FileRefused. `now` is what a time may not be far ahead of."""
    kind = format_of(path, mapping)
    with ExitStack() as opened:
        judges = [opened.enter_context(closing(engine())) for _ in range(JUDGES)]
        free: SimpleQueue[Messages] = SimpleQueue()
        for judge in judges:
            free.put(Messages(judge, mapping, source, now, add_source=kind == "ndjson"))
        place = "row" if kind == "parquet" else "line"
        pool = opened.enter_context(ThreadPoolExecutor(JUDGES))
        started, seen = False, Seen()
        for chunk in _in_turn(pool, blocks(path, mapping, opened.enter_context(closing(engine()))), free, mapping, place):
            if not started and chunk.account.read:
                _check_fits(path, mapping, chunk.account)
                started = True
            yield _repeats_told(chunk, seen, mapping.keeps_repeated)


def _in_turn(
    pool: ThreadPoolExecutor, found: Iterator[Block], free: SimpleQueue[Messages], mapping: Mapping, place: str
) -> Iterator[Chunk]:
    """Blocks are judged side by side, while the next is read, and come out in the order of the file."""

    def judge(block: Block) -> Chunk:
        messages = free.get()
        try:
            return _chunk(block, messages, mapping, place)
        finally:
            free.put(messages)

    waiting: deque[Future[Chunk]] = deque()
    for block in found:
        waiting.append(pool.submit(judge, block))
        if len(waiting) > JUDGES:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def judged(lines: list[bytes], now: datetime) -> list[tuple[str, str | None] | None]:
    """What the importer says of messages: None for an event, else reason and field."""
    kept = Kept(pa.array(lines, pa.binary()), np.arange(len(lines)))
    with closing(engine()) as running:
        codes = Messages(running, Mapping("none", identity=True), "", now, add_source=False).of_lines(kept).codes
    return [(CHECKS[code - 1].reason, CHECKS[code - 1].field) if code else None for code in codes.tolist()]


def _chunk(block: Block, messages: Messages, mapping: Mapping, place: str) -> Chunk:
    parts = []
    if block.table is not None and block.table.num_rows:
        parts.append((messages.of_rows(block.table), block.places))
    if len(block.kept.places):
        parts.append((messages.of_lines(block.kept), block.kept.places))
    found, places = _in_order(parts)
    account = Account(read=block.rows, place=place)
    skipped = np.bincount(found.skipped, minlength=1)
    for rule, count in enumerate(skipped.tolist()[1:]):
        if count:
            account.skipped[mapping.skips[rule].rule] = account.skipped.get(mapping.skips[rule].rule, 0) + count
    if account.skipped:
        found, places = _chosen(found, np.flatnonzero(found.skipped == 0)), places[found.skipped == 0]
    account.refused = _refusals(found, places, block.kept.why)
    account.events = len(places) - account.refused_count
    return Chunk(found.lines, found.times, account, block.fraction, _types(found), found.same)


def _in_order(parts: list[tuple[Judged, Any]]) -> tuple[Judged, Any]:
    """Rows and kept lines together, as they stood in the file."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        empty = Judged(
            pa.array([], pa.binary()), pa.array([], pa.timestamp("us", "UTC")), pa.array([], pa.string()),
            np.zeros(0, np.uint8), np.zeros(0, np.uint16), np.zeros(0, np.uint64),
        )  # fmt: skip
        return empty, np.zeros(0, np.int64)
    (one, one_places), (other, other_places) = parts
    both = Judged(
        pa.concat_arrays([one.lines, other.lines]),
        pa.concat_arrays([one.times, other.times]),
        pa.concat_arrays([one.types, other.types]),
        np.concatenate([one.codes, other.codes]),
        np.concatenate([one.skipped, other.skipped]),
        np.concatenate([one.same, other.same]),
    )
    places = np.concatenate([one_places, other_places])
    order = np.argsort(places, kind="stable")
    return _chosen(both, order), places[order]


def _chosen(found: Judged, which: Any) -> Judged:
    indices = pa.array(which)
    return Judged(
        found.lines.take(indices), found.times.take(indices), found.types.take(indices),
        found.codes[which], found.skipped[which], found.same[which],
    )  # fmt: skip


def _refusals(found: Judged, places: Any, why: dict[int, str]) -> dict[str, Refusals]:
    """By reason: how many, the first places, and what was wrong at the first of them."""
    by_reason: dict[str, list[int]] = {}
    for code in np.unique(found.codes[found.codes > 0]).tolist():
        by_reason.setdefault(CHECKS[code - 1].reason, []).append(code)
    refused = {}
    for reason, codes in by_reason.items():
        rows = np.flatnonzero(np.isin(found.codes, codes))
        first = int(rows[0])
        check = CHECKS[int(found.codes[first]) - 1]
        line = found.lines[first].as_py()
        detail = why.get(int(places[first])) if int(found.codes[first]) == NOT_JSON else None
        shown = places[rows[:KEPT_PLACES]].tolist()
        refused[reason] = Refusals(len(rows), shown, check.field, detail or check.says(_text_of(line, check.field)))
    return refused


def _text_of(line: bytes, field: str | None) -> str:
    """The field's text as the judge read it, for the detail."""
    if field is None:
        return ""
    value = json.loads(line, parse_float=str, parse_int=str).get(field)
    return " ".join(value.split()) if isinstance(value, str) else json.dumps(value)


def _repeats_told(chunk: Chunk, seen: Seen, keep: bool) -> Chunk:
    """How many of the events were in the file before; where each is to be kept, they get an id of their own."""
    rows, times = seen.add(chunk.same)
    if not len(rows):
        return chunk
    chunk.account.repeated = len(rows)
    if not keep:
        return chunk
    chunk.account.repeated_kept = len(rows)
    lines, moments = chunk.lines.take(pa.array(rows)).to_pylist(), chunk.times.take(pa.array(rows)).to_pylist()
    own = [with_own_id(*row) for row in zip(lines, moments, times.tolist(), strict=True)]
    mask = np.zeros(len(chunk.lines), np.bool_)
    mask[rows] = True
    return replace(chunk, lines=pc.replace_with_mask(chunk.lines, pa.array(mask), pa.array(own, pa.binary())))


def _types(found: Judged) -> dict[str, int]:
    good = found.types.filter(pa.array(found.codes == 0))
    return {str(each["values"]): each["counts"] for each in pc.value_counts(good).to_pylist()}


def _check_fits(path: Path, mapping: Mapping, account: Account) -> None:
    """A file of whose first rows hardly one is an event was read in a wrong way: quarantine is not for that."""
    rows = account.events + account.refused_count
    if rows < ENOUGH_ROWS or account.events >= rows * FEW:
        return
    reason, refusals = max(account.refused.items(), key=lambda each: each[1].count)
    what = f"{refusals.field}: {refusals.detail}" if refusals.field else refusals.detail
    none = f"only {account.events:,}" if account.events else "none"
    read = "the contract's own names" if mapping.identity else mapping.name
    raise FileRefused(
        f"{path.name}: {none} of the first {rows:,} rows, read by {read}, is an event; most are refused as {reason}, "
        f"like {account.place} {refusals.places[0]:,}: {what}."
    )
