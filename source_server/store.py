"""The data sets of the source: one parquet file each, added whole or not at all, read a page at a time.

The file's own metadata says what it holds, so there is no second place that could disagree with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from cdp.settings import Settings
from source_server.columns import ROW_GROUP_ROWS, SCHEMA, lines_of, with_source
from source_server.readers import FileRefused, batches, name_of
from source_server.times import TimeRange, time_range

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
#: Goes up when the way files are converted changes: the same file is then other content.
FORMAT = 1
MAX_PAGE_BYTES = 16 << 20
_METADATA = b"cdp.dataset"

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is known of a data set without reading its rows. Times are as written, to the second."""

    name: str
    content_id: str
    rows: int
    first_time: str | None
    last_time: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows from one place on: JSON lines, and the row that comes next."""

    lines: list[bytes]
    next_row: int


class DatasetUnknown(LookupError):
    """There is no data set of that name."""


class DatasetBroken(RuntimeError):
    """A file of the store is not a data set; the message says what to do."""


def folder(settings: Settings) -> Path:
    return settings.state_dir / "source" / "datasets"


def add(settings: Settings, path: Path, progress: Progress | None = None) -> Dataset:
    """Take a file in. The same file again changes nothing; another one of the same name takes the place of the first."""
    name = name_of(path)
    if not NAME.fullmatch(name):
        allowed = "up to 100 letters, digits, dots, dashes and underscores"
        raise FileRefused(f"{path.name}: a data set's name has {allowed}; rename the file.")
    with _only_one(folder(settings)):
        content_id = _content_id(path, name)
        there = _find(settings, name)
        if there is not None and there.content_id == content_id:
            return there
        return _convert(path, _path(settings, name), name, content_id, progress)


def datasets(settings: Settings) -> list[Dataset]:
    """All data sets, by name."""
    return [_dataset(path) for path in sorted(folder(settings).glob("[!.]*.parquet"))]


def dataset(settings: Settings, name: str) -> Dataset:
    found = _find(settings, name)
    if found is None:
        names = ", ".join(each.name for each in datasets(settings)) or "none"
        raise DatasetUnknown(f"there is no data set {name!r}; there are: {names}.")
    return found


def page(settings: Settings, wanted: Dataset, row: int, limit: int) -> Page:
    """Up to `limit` rows from `row` on; fewer at the end, and where the page would become too large."""
    with _path(settings, wanted.name).open("rb") as handle:
        metadata = _metadata(handle)
        if _described(metadata, handle.name).content_id != wanted.content_id:
            raise DatasetUnknown(f"the data set {wanted.name!r} was replaced while it was read.")
        lines: list[bytes] = []
        size = 0
        for line in _lines_from(pq.ParquetFile(handle, metadata=metadata), row, limit):
            lines.append(line)
            size += len(line)
            if size >= MAX_PAGE_BYTES:
                break
    return Page(lines, row + len(lines))


def _lines_from(file: pq.ParquetFile, row: int, limit: int) -> Iterator[bytes]:
    """Rows row .. row + limit, opening only the row groups that hold them, one after the other."""
    begin, end = 0, row + limit
    for group in range(file.metadata.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        if begin >= end:
            return
        if begin + size > row:
            table = file.read_row_group(group)
            skip = max(0, row - begin)
            yield from lines_of(table.slice(skip, end - begin - skip))
        begin += size


def _convert(path: Path, target: Path, name: str, content_id: str, progress: Progress | None) -> Dataset:
    """Write beside, then rename: a reader sees the old file or the new one."""
    part = target.with_name(f".{name}.part")
    rows, seen = 0, TimeRange()
    try:
        with pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
            for batch in batches(path):
                writer.write_batch(with_source(batch, name), row_group_size=ROW_GROUP_ROWS)
                rows, seen = rows + batch.num_rows, seen | time_range(batch.column("event_time"))
                if progress is not None:
                    progress(rows)
            if not rows:
                raise FileRefused(f"{path.name} holds no rows.")
            made = Dataset(name, content_id, rows, seen.first, seen.last)
            writer.add_key_value_metadata({_METADATA: json.dumps(asdict(made)).encode()})
        _to_disk(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return made


def _content_id(path: Path, name: str) -> str:
    """Says which rows these are: the same file under the same name has the same one."""
    if not path.is_file():
        raise FileRefused(f"{path} is not a file.")
    digest = hashlib.sha256(f"{FORMAT}\n{name}\n".encode())
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


def _path(settings: Settings, name: str) -> Path:
    return folder(settings) / f"{name}.parquet"


def _find(settings: Settings, name: str) -> Dataset | None:
    path = _path(settings, name)
    return _dataset(path) if NAME.fullmatch(name) and path.is_file() else None


def _dataset(path: Path) -> Dataset:
    with path.open("rb") as handle:
        return _described(_metadata(handle), handle.name)


def _described(metadata: pq.FileMetaData, path: str) -> Dataset:
    noted = (metadata.metadata or {}).get(_METADATA)
    if noted is None:
        raise DatasetBroken(f"{path} was not put there by ./run load; move it elsewhere and load it.")
    return Dataset(**json.loads(noted))


def _metadata(handle: BinaryIO) -> pq.FileMetaData:
    """A file's metadata, parsed once for each file that ever stood in this place."""
    state = os.fstat(handle.fileno())
    key = (handle.name, state.st_ino, state.st_mtime_ns, state.st_size)
    found = _parsed.get(key)
    if found is None:
        try:
            found = pq.read_metadata(handle)
        except (pa.ArrowException, OSError) as error:
            raise DatasetBroken(f"{handle.name} is damaged; load its file again. {error}") from error
        if len(_parsed) >= _MOST_PARSED:
            _parsed.clear()
        _parsed[key] = found
    return found


_parsed: dict[tuple[str, int, int, int], pq.FileMetaData] = {}
_MOST_PARSED = 64


def _to_disk(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
