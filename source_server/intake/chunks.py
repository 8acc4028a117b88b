"""Turns a file into the messages for Kafka, one chunk at a time, with an account of what became of its rows."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
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

from cdp.events.fields import BOUNDS
from cdp.events.reading import NOT_JSON, ContractCheck, EventReader
from cdp.events.reading.sql import open_engine
from cdp.settings import current
from source_server.intake.account import MAX_PLACES, FileAccount, Refusals
from source_server.intake.block import Block, WholeLines
from source_server.intake.kinds import detect_format
from source_server.intake.mapping import Mapping
from source_server.intake.messages import JudgedRows, Messages
from source_server.intake.readers import read_blocks
from source_server.intake.refusal import FileRefused
from source_server.intake.repeated import RepeatFinder, add_row_id, compute_ids

JUDGES = 2
#: A first chunk of at least this many rows refuses the file if its share of events is below LEAST_EVENTS.
ENOUGH_ROWS = 10
LEAST_EVENTS = 0.01


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages in the order of the file, each with its line end. `times` is null for unreadable times. `same` has a number per
    row, equal for events that would get the same id from the parser."""

    lines: pa.Array
    times: pa.Array
    account: FileAccount
    fraction: float | None
    types: dict[str, int] = field(default_factory=dict)
    same: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))


def read_chunks(path: Path, mapping: Mapping, source: str, now: datetime) -> Iterator[Chunk]:
    """Read the whole file. Raises FileRefused if it can't be loaded. Times too far after `now` are refused."""
    kind = detect_format(path, mapping)
    with ExitStack() as stack:
        judges = [stack.enter_context(closing(open_engine())) for _ in range(JUDGES)]
        free: SimpleQueue[Messages] = SimpleQueue()
        for judge in judges:
            free.put(Messages(judge, mapping, source, now, add_source=kind == "ndjson"))
        place = "row" if kind == "parquet" else "line"
        pool = stack.enter_context(ThreadPoolExecutor(JUDGES))
        started, finder = False, RepeatFinder()
        bounds = replace(BOUNDS, currency=current().currency)
        reader = stack.enter_context(EventReader(bounds)) if mapping.keeps_repeated else None
        blocks = read_blocks(path, mapping, stack.enter_context(closing(open_engine())))
        for chunk in _judge_blocks(pool, blocks, free, mapping, place):
            if not started and chunk.account.read:
                _check_fits(path, mapping, chunk.account)
                started = True
            yield _handle_repeats(chunk, finder, reader, now)


def _judge_blocks(
    pool: ThreadPoolExecutor, blocks: Iterator[Block], free: SimpleQueue[Messages], mapping: Mapping, place: str
) -> Iterator[Chunk]:
    """Judge several blocks in parallel while the next is read, and yield the chunks in the order of the file."""

    def judge(block: Block) -> Chunk:
        messages = free.get()
        try:
            return _make_chunk(block, messages, mapping, place)
        finally:
            free.put(messages)

    waiting: deque[Future[Chunk]] = deque()
    for block in blocks:
        waiting.append(pool.submit(judge, block))
        if len(waiting) > JUDGES:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def judge_messages(lines: list[bytes], now: datetime) -> list[tuple[str, str | None] | None]:
    """Judge messages as the importer does: None for an event, else the reason and the field."""
    whole_lines = WholeLines(pa.array(lines, pa.binary()), np.arange(len(lines)))
    with closing(open_engine()) as connection:
        messages = Messages(connection, Mapping("none", identity=True), "", now, add_source=False)
        codes = messages.make_from_lines(whole_lines).codes
    checks = messages.checks
    return [(checks[code - 1].reason, checks[code - 1].field) if code else None for code in codes.tolist()]


def _make_chunk(block: Block, messages: Messages, mapping: Mapping, place: str) -> Chunk:
    parts = []
    if block.table is not None and block.table.num_rows:
        parts.append((messages.make_from_rows(block.table), block.places))
    if len(block.whole_lines.places):
        parts.append((messages.make_from_lines(block.whole_lines), block.whole_lines.places))
    rows, places = _merge(parts)
    account = FileAccount(read=block.rows, place=place)
    skipped = np.bincount(rows.skipped, minlength=1)
    for rule, count in enumerate(skipped.tolist()[1:]):
        if count:
            account.skipped[mapping.skips[rule].rule] = account.skipped.get(mapping.skips[rule].rule, 0) + count
    if account.skipped:
        rows, places = _select(rows, np.flatnonzero(rows.skipped == 0)), places[rows.skipped == 0]
    account.refused = _count_refusals(rows, places, block.whole_lines.faults, messages.checks)
    account.events = len(places) - account.refused_count
    return Chunk(rows.lines, rows.times, account, block.fraction, _count_types(rows), rows.same)


def _merge(parts: list[tuple[JudgedRows, Any]]) -> tuple[JudgedRows, Any]:
    """Rows and whole lines together, in the order of the file."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        empty = JudgedRows(
            pa.array([], pa.binary()), pa.array([], pa.timestamp("us", "UTC")), pa.array([], pa.string()),
            np.zeros(0, np.uint8), np.zeros(0, np.uint16), np.zeros(0, np.uint64),
        )  # fmt: skip
        return empty, np.zeros(0, np.int64)
    (one, one_places), (other, other_places) = parts
    both = JudgedRows(
        pa.concat_arrays([one.lines, other.lines]),
        pa.concat_arrays([one.times, other.times]),
        pa.concat_arrays([one.types, other.types]),
        np.concatenate([one.codes, other.codes]),
        np.concatenate([one.skipped, other.skipped]),
        np.concatenate([one.same, other.same]),
    )
    places = np.concatenate([one_places, other_places])
    order = np.argsort(places, kind="stable")
    return _select(both, order), places[order]


def _select(rows: JudgedRows, places: Any) -> JudgedRows:
    indices = pa.array(places)
    return JudgedRows(
        rows.lines.take(indices), rows.times.take(indices), rows.types.take(indices),
        rows.codes[places], rows.skipped[places], rows.same[places],
    )  # fmt: skip


def _count_refusals(
    judged: JudgedRows, places: Any, faults: dict[int, str], checks: Sequence[ContractCheck]
) -> dict[str, Refusals]:
    """Reason -> the number of rows, the first places, and what is wrong at the first of them."""
    by_reason: dict[str, list[int]] = {}
    for code in np.unique(judged.codes[judged.codes > 0]).tolist():
        by_reason.setdefault(checks[code - 1].reason, []).append(code)
    refused = {}
    for reason, codes in by_reason.items():
        rows = np.flatnonzero(np.isin(judged.codes, codes))
        first = int(rows[0])
        check = checks[int(judged.codes[first]) - 1]
        line = judged.lines[first].as_py()
        fault = faults.get(int(places[first])) if int(judged.codes[first]) == NOT_JSON else None
        first_places = places[rows[:MAX_PLACES]].tolist()
        detail = fault or check.describe(_read_text(line, check.field))
        refused[reason] = Refusals(len(rows), first_places, check.field, detail)
    return refused


def _read_text(line: bytes, field: str | None) -> str:
    """The field's text as the judge read it, for the detail."""
    if field is None:
        return ""
    value = json.loads(line, parse_float=str, parse_int=str).get(field)
    return " ".join(value.split()) if isinstance(value, str) else json.dumps(value)


def _handle_repeats(chunk: Chunk, finder: RepeatFinder, reader: EventReader | None, now: datetime) -> Chunk:
    """Count the events that repeat an earlier row of the file. With a reader, which computes ids, each of them gets its own."""
    rows, times = finder.add(chunk.same)
    if not len(rows):
        return chunk
    chunk.account.repeated = len(rows)
    if reader is None:
        return chunk
    chunk.account.repeated_kept = len(rows)
    lines = chunk.lines.take(pa.array(rows))
    with_ids = [add_row_id(*row) for row in zip(lines.to_pylist(), compute_ids(reader, lines, now), times.tolist(), strict=True)]
    mask = np.zeros(len(chunk.lines), np.bool_)
    mask[rows] = True
    return replace(chunk, lines=pc.replace_with_mask(chunk.lines, pa.array(mask), pa.array(with_ids, pa.binary())))


def _count_types(rows: JudgedRows) -> dict[str, int]:
    good = rows.types.filter(pa.array(rows.codes == 0))
    return {str(each["values"]): each["counts"] for each in pc.value_counts(good).to_pylist()}


def _check_fits(path: Path, mapping: Mapping, account: FileAccount) -> None:
    """If hardly any of the first rows is an event, the file was read in a wrong way and is refused as a whole."""
    rows = account.events + account.refused_count
    if rows < ENOUGH_ROWS or account.events >= rows * LEAST_EVENTS:
        return
    reason, refusals = max(account.refused.items(), key=lambda each: each[1].count)
    detail = f"{refusals.field}: {refusals.detail}" if refusals.field else refusals.detail
    count = f"only {account.events:,}" if account.events else "none"
    name = "the contract's own names" if mapping.identity else mapping.name
    raise FileRefused(
        f"{path.name}: {count} of the first {rows:,} rows, read by {name}, is an event; most are refused as {reason}, "
        f"like {account.place} {refusals.places[0]:,}: {detail}."
    )
