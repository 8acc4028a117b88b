"""The data sets of the source: one parquet file each, added whole or not at all, read a page at a time.

A row is the line that goes to Kafka, ready made, and its time. So serving a page is cutting a piece out of a column. The
file's own metadata says what it holds: there is no second place that could disagree with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cdp.events.fields import CONTRACT_VERSION
from cdp.settings import Settings
from source_server.afterwards import DayRows
from source_server.intake import Account, FileRefused, Mapping, chunks, name_of

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
#: Goes up when the way files are converted changes: the same file is then other content.
FORMAT = 2
ROW_GROUP_ROWS = 50_000
#: A line ends with its line end, so that lines that follow each other in the column are a page of NDJSON as they lie.
SCHEMA = pa.schema([("line", pa.binary()), ("time", pa.timestamp("us", "UTC"))])
METADATA = b"cdp.dataset"
FILES_KEPT = 64  # whose metadata are kept, so that a request does not read them again

#: Called as a file is taken in: rows so far, and the part of the file that has been read where that is known.
Progress = Callable[[int, float | None], None]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is known of a data set without reading its rows."""

    name: str
    content_id: str
    rows: int
    first_time: datetime | None
    last_time: datetime | None
    account: Account


class DatasetUnknown(LookupError):
    """There is no data set of that name."""


class DatasetBroken(RuntimeError):
    """A file of the store is not a data set; the message says what to do."""


def folder(settings: Settings) -> Path:
    return settings.state_dir / "source" / "datasets"


def path_of(settings: Settings, name: str) -> Path:
    return folder(settings) / f"{name}.parquet"


def add(settings: Settings, path: Path, mapping: Mapping, progress: Progress | None = None) -> Dataset:
    """Take a file in. The same file again changes nothing; another one of the same name takes the place of the first."""
    name = name_of(path)
    if not NAME.fullmatch(name):
        allowed = "up to 100 letters, digits, dots, dashes and underscores"
        raise FileRefused(f"{path.name}: a data set's name has {allowed}; rename the file.")
    with _only_one(folder(settings)):
        content_id = _content_id(path, name, mapping)
        there = _find(settings, name)
        if there is not None and there.content_id == content_id:
            return there
        return _convert(path, path_of(settings, name), mapping, content_id, progress or (lambda _rows, _part: None))


def datasets(settings: Settings) -> list[Dataset]:
    """All data sets, by name."""
    return [described(file_at(path)) for path in sorted(folder(settings).glob("[!.]*.parquet"))]


def days(settings: Settings, name: str) -> dict[date, DayRows]:
    """On which days the rows of a data set lie, of those whose time could be read. No other column is read."""
    found: dict[date, DayRows] = {}
    with pq.ParquetFile(path_of(settings, name)) as file:
        for batch in file.iter_batches(columns=["time"]):
            times = batch.column("time").drop_null()
            begun = pc.floor_temporal(times, unit="day")
            table = pa.table({"day": begun, "time": times}).group_by("day").aggregate([("time", "count"), ("time", "max")])
            for row in table.to_pylist():
                day, told = row["day"].date(), DayRows(row["time_count"], row["time_max"])
                found[day] = found[day] + told if day in found else told
    return found


def dataset(settings: Settings, name: str) -> Dataset:
    found = _find(settings, name)
    if found is None:
        names = ", ".join(each.name for each in datasets(settings)) or "none"
        raise DatasetUnknown(f"there is no data set {name!r}; there are: {names}.")
    return found


@dataclass(frozen=True, slots=True)
class File:
    """One file that stood in its place; another one of the same name is another file."""

    path: str
    inode: int
    changed: int
    size: int


def file_at(path: Path) -> File:
    state = path.stat()
    return File(str(path), state.st_ino, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=FILES_KEPT)
def described(file: File) -> Dataset:
    """What a file says of itself, read once."""
    noted = (metadata_of(file).metadata or {}).get(METADATA)
    if noted is None:
        raise DatasetBroken(f"{file.path} was not put there by ./run load; move it elsewhere and load it.")
    told = orjson.loads(noted)
    first, last = (told[name] and datetime.fromisoformat(told[name]) for name in ("first_time", "last_time"))
    account = Account.from_json(told["account"])
    return Dataset(told["name"], told["content_id"], told["rows"], first, last, account)


@lru_cache(maxsize=FILES_KEPT)
def metadata_of(file: File) -> pq.FileMetaData:
    try:
        return pq.read_metadata(file.path)
    except (pa.ArrowException, OSError) as error:
        raise DatasetBroken(f"{file.path} is damaged; load its file again. {error}") from error


def _find(settings: Settings, name: str) -> Dataset | None:
    path = path_of(settings, name)
    return described(file_at(path)) if NAME.fullmatch(name) and path.is_file() else None


def _convert(path: Path, target: Path, mapping: Mapping, content_id: str, progress: Progress) -> Dataset:
    """Write beside, then rename: a reader sees the old file or the new one."""
    part = target.with_name(f".{target.name}.part")
    try:
        with pq.ParquetWriter(part, SCHEMA, compression="zstd", use_dictionary=False) as writer:
            made = _written(writer, path, mapping, content_id, progress)
            writer.add_key_value_metadata({METADATA: orjson.dumps(_noted(made))})
        _to_disk(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return made


def _written(writer: pq.ParquetWriter, path: Path, mapping: Mapping, content_id: str, progress: Progress) -> Dataset:
    name, rows, account = name_of(path), 0, Account()
    seen: list[datetime] = []
    waiting: list[pa.Table] = []
    for chunk in chunks(path, mapping, name, datetime.now(UTC)):
        rows, account = rows + len(chunk.lines), account + chunk.account
        ends = pc.min_max(chunk.times).as_py()
        seen = [time for time in (*seen, ends["min"], ends["max"]) if time is not None]
        seen = [min(seen), max(seen)] if seen else []
        waiting.append(pa.table([chunk.lines, chunk.times], schema=SCHEMA))
        if sum(table.num_rows for table in waiting) >= ROW_GROUP_ROWS:
            waiting = [_write(writer, waiting)]
        progress(rows, chunk.fraction)
    _write(writer, waiting, everything=True)
    if not rows:
        raise FileRefused(f"{path.name} holds no rows." if not account.read else f"{path.name}: the mapping skips every row.")
    first, last = seen or (None, None)
    return Dataset(name, content_id, rows, first, last, account)


def _write(writer: pq.ParquetWriter, tables: list[pa.Table], everything: bool = False) -> pa.Table:
    """Write whole row groups; the rest is handed back, to go before what comes next."""
    table = pa.concat_tables([SCHEMA.empty_table(), *tables])
    whole = table.num_rows if everything else table.num_rows // ROW_GROUP_ROWS * ROW_GROUP_ROWS
    if whole:
        writer.write_table(table.slice(0, whole), row_group_size=ROW_GROUP_ROWS)
    return table.slice(whole)


def _noted(made: Dataset) -> dict[str, object]:
    return {
        "name": made.name,
        "content_id": made.content_id,
        "rows": made.rows,
        "first_time": made.first_time,
        "last_time": made.last_time,
        "account": made.account.as_json(),
    }


def _content_id(path: Path, name: str, mapping: Mapping) -> str:
    """Says which rows these are: the same file under the same name, read by the same mapping, has the same one."""
    if not path.is_file():
        raise FileRefused(f"{path} is not a file.")
    digest = hashlib.sha256(f"{FORMAT}\n{CONTRACT_VERSION}\n{name}\n{mapping.fingerprint}\n".encode())
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:16]


@contextmanager
def _only_one(place: Path) -> Iterator[None]:
    """One file at a time is taken in: two at once would share a name for what is not yet whole."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _to_disk(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
