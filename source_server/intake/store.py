"""The data sets of the source: one parquet file each, added completely or not at all, and read a page at a time.

A row is the finished line for Kafka and its time, so a page is a slice of a column. The file's own metadata describes its
content, so no second record can disagree with it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock

from cdp.events.fields import CONTRACT_VERSION
from cdp.settings import Settings
from source_server.afterwards import DayRows
from source_server.intake import FileAccount, FileRefused, Mapping, derive_name, read_chunks

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
#: Increased when the conversion of files changes: the same file then has another content id.
FORMAT = 2
ROW_GROUP_ROWS = 50_000
#: Each line includes its line end, so consecutive lines of the column are a page of NDJSON.
SCHEMA = pa.schema([("line", pa.binary()), ("time", pa.timestamp("us", "UTC"))])
METADATA = b"cdp.dataset"
CACHED_FILES = 64  # whose metadata stay in memory, so that requests do not read them again

#: Called while a file is added: the rows so far, and the fraction of the file that was read, if known.
Progress = Callable[[int, float | None], None]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The description of a data set, known without reading its rows."""

    name: str
    content_id: str
    rows: int
    first_time: datetime | None
    last_time: datetime | None
    account: FileAccount


class DatasetUnknown(LookupError):
    """No data set has this name."""


class DatasetBroken(RuntimeError):
    """A file of the store is not a data set; the message says what to do."""


def folder(settings: Settings) -> Path:
    return settings.state_dir / "source" / "datasets"


def path_of(settings: Settings, name: str) -> Path:
    return folder(settings) / f"{name}.parquet"


def add(settings: Settings, path: Path, mapping: Mapping, progress: Progress | None = None) -> Dataset:
    """Add a file. The same file again changes nothing; another file of the same name replaces the data set."""
    name = derive_name(path)
    if not NAME.fullmatch(name):
        allowed = "up to 100 letters, digits, dots, dashes and underscores"
        raise FileRefused(f"{path.name}: a data set's name has {allowed}; rename the file.")
    folder(settings).mkdir(parents=True, exist_ok=True)
    # Files are added one at a time: two at once could share the name of a temporary file.
    with FileLock(folder(settings) / ".lock"):
        content_id = _compute_content_id(path, name, mapping)
        existing = _find(settings, name)
        if existing is not None and existing.content_id == content_id:
            return existing
        return _convert(path, path_of(settings, name), mapping, content_id, progress or (lambda _rows, _part: None))


def list_datasets(settings: Settings) -> list[Dataset]:
    """All data sets, sorted by name."""
    return [read_description(stat_file(path)) for path in sorted(folder(settings).glob("[!.]*.parquet"))]


def read_days(settings: Settings, name: str) -> dict[date, DayRows]:
    """The rows of a data set by day, without those whose time is unreadable. Reads only the column of times."""
    days: dict[date, DayRows] = {}
    with pq.ParquetFile(path_of(settings, name)) as file:
        for batch in file.iter_batches(columns=["time"]):
            times = batch.column("time").drop_null()
            starts = pc.floor_temporal(times, unit="day")
            table = pa.table({"day": starts, "time": times}).group_by("day").aggregate([("time", "count"), ("time", "max")])
            for row in table.to_pylist():
                day, rows = row["day"].date(), DayRows(row["time_count"], row["time_max"])
                days[day] = days[day] + rows if day in days else rows
    return days


def get_dataset(settings: Settings, name: str) -> Dataset:
    dataset = _find(settings, name)
    if dataset is None:
        names = ", ".join(each.name for each in list_datasets(settings)) or "none"
        raise DatasetUnknown(f"there is no data set {name!r}; there are: {names}.")
    return dataset


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The identity of a file on disk; a replacement under the same name compares unequal."""

    path: str
    inode: int
    changed: int
    size: int


def stat_file(path: Path) -> StoredFile:
    state = path.stat()
    return StoredFile(str(path), state.st_ino, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=CACHED_FILES)
def read_description(file: StoredFile) -> Dataset:
    """The description in a file's metadata, read once."""
    text = (read_file_metadata(file).metadata or {}).get(METADATA)
    if text is None:
        raise DatasetBroken(f"{file.path} was not put there by ./run load; move it elsewhere and load it.")
    values = orjson.loads(text)
    first, last = (values[name] and datetime.fromisoformat(values[name]) for name in ("first_time", "last_time"))
    account = FileAccount.from_json(values["account"])
    return Dataset(values["name"], values["content_id"], values["rows"], first, last, account)


@lru_cache(maxsize=CACHED_FILES)
def read_file_metadata(file: StoredFile) -> pq.FileMetaData:
    try:
        return pq.read_metadata(file.path)
    except (pa.ArrowException, OSError) as error:
        raise DatasetBroken(f"{file.path} is damaged; load its file again. {error}") from error


def _find(settings: Settings, name: str) -> Dataset | None:
    path = path_of(settings, name)
    return read_description(stat_file(path)) if NAME.fullmatch(name) and path.is_file() else None


def _convert(path: Path, target: Path, mapping: Mapping, content_id: str, progress: Progress) -> Dataset:
    """Write to a temporary file, then rename it: a reader sees the old file or the new one."""
    part = target.with_name(f".{target.name}.part")
    try:
        with pq.ParquetWriter(part, SCHEMA, compression="zstd", use_dictionary=False) as writer:
            dataset = _write_rows(writer, path, mapping, content_id, progress)
            writer.add_key_value_metadata({METADATA: orjson.dumps(_as_metadata(dataset))})
        _sync(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return dataset


def _write_rows(writer: pq.ParquetWriter, path: Path, mapping: Mapping, content_id: str, progress: Progress) -> Dataset:
    name, rows, account = derive_name(path), 0, FileAccount()
    span: list[datetime] = []
    waiting: list[pa.Table] = []
    for chunk in read_chunks(path, mapping, name, datetime.now(UTC)):
        rows, account = rows + len(chunk.lines), account + chunk.account
        ends = pc.min_max(chunk.times).as_py()
        span = [time for time in (*span, ends["min"], ends["max"]) if time is not None]
        span = [min(span), max(span)] if span else []
        waiting.append(pa.table([chunk.lines, chunk.times], schema=SCHEMA))
        if sum(table.num_rows for table in waiting) >= ROW_GROUP_ROWS:
            waiting = [_write(writer, waiting)]
        progress(rows, chunk.fraction)
    _write(writer, waiting, everything=True)
    if not rows:
        raise FileRefused(f"{path.name} holds no rows." if not account.read else f"{path.name}: the mapping skips every row.")
    first, last = span or (None, None)
    return Dataset(name, content_id, rows, first, last, account)


def _write(writer: pq.ParquetWriter, tables: list[pa.Table], everything: bool = False) -> pa.Table:
    """Write complete row groups and return the remaining rows, which come before the next ones."""
    table = pa.concat_tables([SCHEMA.empty_table(), *tables])
    whole = table.num_rows if everything else table.num_rows // ROW_GROUP_ROWS * ROW_GROUP_ROWS
    if whole:
        writer.write_table(table.slice(0, whole), row_group_size=ROW_GROUP_ROWS)
    return table.slice(whole)


def _as_metadata(dataset: Dataset) -> dict[str, object]:
    return {
        "name": dataset.name,
        "content_id": dataset.content_id,
        "rows": dataset.rows,
        "first_time": dataset.first_time,
        "last_time": dataset.last_time,
        "account": dataset.account.as_json(),
    }


def _compute_content_id(path: Path, name: str, mapping: Mapping) -> str:
    """Identifies the rows: the same file under the same name, read with the same mapping, has the same id."""
    if not path.is_file():
        raise FileRefused(f"{path} is not a file.")
    digest = hashlib.sha256(f"{FORMAT}\n{CONTRACT_VERSION}\n{name}\n{mapping.fingerprint}\n".encode())
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:16]


def _sync(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
