"""./run files: files, sizes and NameNode objects of each table on HDFS, or of each day of one table, with a warning where small
files pile up. Files that the Delta log refers to are live; the others wait for the vacuum."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from hdfs import HdfsError, InsecureClient
from requests import RequestException
from rich.console import Console
from rich.table import Table

from cdp.errors import did_you_mean, first_line
from cdp.lake.paths import EVENTS, TABLES, table_url
from cdp.settings import Settings
from infra.stack.services.hdfs import USER
from infra.stack.stack import StackError

LOG = "_delta_log"
SECONDS = 30
#: Small files pile up on a day with more files than MANY whose average size is below SMALL.
MANY, SMALL = 8, 16 * 2**20
_DAY = re.compile(r"[a-z_]+=(\d{4}-\d{2}-\d{2})/")


@dataclass(frozen=True, slots=True)
class HdfsFile:
    """A file of a table; its path is relative to the table's folder."""

    path: str
    size: int
    blocks: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything in the folder of one table."""

    files: Sequence[HdfsFile]
    directories: int  # including the table's own folder


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Numbers and sizes of the files of a day or of a table: the live ones, and those that wait for the vacuum."""

    files: int = 0
    size: int = 0
    waiting: int = 0
    waiting_size: int = 0

    @property
    def average(self) -> int:
        return self.size // self.files if self.files else 0

    @property
    def piles_up(self) -> bool:
        return self.files > MANY and self.average < SMALL


@dataclass(frozen=True, slots=True)
class TableFiles:
    """The files of one table: data, log, and the objects that the NameNode keeps in memory for them."""

    name: str
    data: FileGroup
    log_files: int
    log_size: int
    objects: int  # files, blocks and directories
    days: Mapping[str, FileGroup]  # empty where the table has no days

    @property
    def remedy(self) -> str:
        """Empty if small files pile up on no day."""
        days = [day for day, group in self.days.items() if group.piles_up]
        if not days:
            return ""
        if self.name == EVENTS:
            return f"small files pile up; a night compacts its own day and earlier ones: ./run night --day {days[-1]}"
        return "small files pile up; the next night merges those of past days"


def count_files(name: str, listing: Listing, live: frozenset[str]) -> TableFiles:
    """Count the files that the NameNode lists; `live` are the paths that the Delta log refers to."""
    log = [file for file in listing.files if file.path.startswith(f"{LOG}/")]
    data = [file for file in listing.files if not file.path.startswith(("_", "."))]
    days: dict[str, list[HdfsFile]] = {}
    for file in data:
        if match := _DAY.match(file.path):
            days.setdefault(match[1], []).append(file)
    return TableFiles(
        name=name,
        data=_count_group(data, live),
        log_files=len(log),
        log_size=sum(file.size for file in log),
        objects=len(listing.files) + sum(file.blocks for file in listing.files) + listing.directories,
        days={day: _count_group(days[day], live) for day in sorted(days)},
    )


def _count_group(files: Sequence[HdfsFile], live: frozenset[str]) -> FileGroup:
    sizes = [file.size for file in files if file.path in live]
    waiting = [file.size for file in files if file.path not in live]
    return FileGroup(len(sizes), sum(sizes), len(waiting), sum(waiting))


def holdings(settings: Settings, names: Sequence[str] = TABLES) -> list[TableFiles]:
    """The files of each of these tables that exists."""
    client = InsecureClient(settings.hdfs_http, user=USER, timeout=SECONDS)
    try:
        return [table for name in names if (table := _read_table(settings, client, name))]
    except (HdfsError, RequestException, DeltaError, OSError) as error:
        raise StackError(
            f"HDFS at {settings.hdfs_http} can't be listed: {first_line(error)}. See ./run status namenode"
        ) from error


def _read_table(settings: Settings, client: InsecureClient, name: str) -> TableFiles | None:
    """Reads the log before it lists the files, so a file written in between counts as waiting this once."""
    try:
        table = DeltaTable(table_url(settings, name))
    except TableNotFoundError:
        return None
    live = pa.table(table.get_add_actions(flatten=True))["path"].to_pylist()
    return count_files(name, _list_table(client, f"{settings.hdfs_root}/{name}"), frozenset(live))


def _list_table(client: InsecureClient, root: str) -> Listing:
    files, directories = [], 0
    for (folder, _), _, entries in client.walk(root, status=True):
        directories += 1
        files += [_read_file(f"{folder}/{name}".removeprefix(f"{root}/"), status) for name, status in entries]
    return Listing(files, directories)


def _read_file(path: str, status: Mapping[str, Any]) -> HdfsFile:
    size: int = status["length"]
    return HdfsFile(path, size, math.ceil(size / status["blockSize"]) if size else 0)


def chosen(name: str) -> tuple[str, ...]:
    """The named table; all tables if the name is empty."""
    if name and name not in TABLES:
        raise StackError(f"{name!r} is not a table; {did_you_mean(name, TABLES)}")
    return (name,) if name else TABLES


def as_json(tables: Sequence[TableFiles], days: int | None) -> dict[str, Any]:
    """`days` is the number of last days to include; None leaves days out."""
    return {"tables": [_as_json(table, days) for table in tables]}


def _as_json(table: TableFiles, days: int | None) -> dict[str, Any]:
    result = {name: value for name, value in asdict(table).items() if name not in ("data", "days")}
    result |= asdict(table.data) | {"average": table.data.average, "remedy": table.remedy}
    result |= {"first_day": min(table.days, default=None), "last_day": max(table.days, default=None)}
    if days is not None:
        last = list(table.days.items())[-days:]
        result["days"] = [
            {"day": day, **asdict(group), "average": group.average, "piles_up": group.piles_up} for day, group in last
        ]
    return result


def show(settings: Settings, tables: Sequence[TableFiles], names: Sequence[str]) -> None:
    grid = _make_grid("table", "files", "size", "average", "waiting", "size", "log", "objects", "first day", "last day")
    for table in tables:
        first, last = min(table.days, default=""), max(table.days, default="")
        log = f"{table.log_files:,}"
        grid.add_row(table.name, *_format_group(table.data), log, f"{table.objects:,}", first, last)
    console = _make_console()
    console.print(grid)
    console.print(f"\n{settings.hdfs_url}{settings.hdfs_root}: {sum(table.objects for table in tables):,} NameNode objects")
    if missing := [name for name in names if name not in {table.name for table in tables}]:
        console.print(f"not there yet: {', '.join(missing)}")
    for table in tables:
        if table.remedy:
            console.print(f"[yellow]{table.name}[/]: {table.remedy}")


def show_days(table: TableFiles, count: int) -> None:
    grid = _make_grid("day", "files", "size", "average", "waiting", "size", "")
    for day, group in list(table.days.items())[-count:]:
        grid.add_row(day, *_format_group(group), "[yellow]small files pile up[/]" if group.piles_up else "")
    if not table.days:
        grid.add_row("(no days)", *_format_group(table.data), "")
    console = _make_console()
    console.print(grid)
    console.print(f"\n{table.name}: {table.log_files:,} log files, {table.objects:,} NameNode objects")
    if table.remedy:
        console.print(f"[yellow]{table.remedy}[/]")


def _format_group(group: FileGroup) -> Iterator[str]:
    """The cells of the live files, then of those that wait for the vacuum."""
    yield f"{group.files:,}"
    yield format_size(group.size)
    yield format_size(group.average)
    yield f"{group.waiting:,}"
    yield format_size(group.waiting_size)


def _make_grid(*columns: str) -> Table:
    grid = Table(title=None, box=None, pad_edge=False, header_style="bold")
    left = ("table", "day", "first day", "last day", "")
    for column in columns:
        grid.add_column(column, justify="left" if column in left else "right", no_wrap=True)
    return grid


def _make_console() -> Console:
    return Console(width=None if Console().is_terminal else 200, highlight=False)


def format_size(size: int) -> str:
    for unit, name in ((2**40, "TB"), (2**30, "GB"), (2**20, "MB"), (2**10, "KB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return f"{size} B"
