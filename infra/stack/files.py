"""What lies on HDFS: files, sizes and NameNode objects of each table, and of each day of one, with a warning where small
files pile up. Files that the Delta log refers to are live; others wait for the vacuum."""

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

from cdp.paths import EVENTS, TABLES, table_url
from cdp.said import first_line
from cdp.settings import Settings
from infra.stack.services.hdfs import USER
from infra.stack.stack import StackError
from infra.stack.suggest import suggest

LOG = "_delta_log"
SECONDS = 30
#: More files than this in a day, which are on average smaller than that, are too many.
MANY, SMALL = 8, 16 * 2**20
_DAY = re.compile(r"[a-z_]+=(\d{4}-\d{2}-\d{2})/")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a table; the path begins at the table."""

    path: str
    size: int
    blocks: int


@dataclass(frozen=True, slots=True)
class Listing:
    """All that the NameNode holds of one table."""

    files: Sequence[File]
    directories: int  # with the table's own


@dataclass(frozen=True, slots=True)
class Group:
    """Live files and those that wait for the vacuum, of a day or of a table."""

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
class Holding:
    """One table: its data, its log, and what it costs the NameNode."""

    name: str
    data: Group
    log_files: int
    log_size: int
    objects: int  # files, blocks and directories
    days: Mapping[str, Group]  # empty where the table has no days

    @property
    def remedy(self) -> str:
        """Empty where no day has too many small files."""
        late = [day for day, group in self.days.items() if group.piles_up]
        if not late:
            return ""
        if self.name == EVENTS:
            return f"small files pile up; a night compacts the days up to its own: ./run night --day {late[-1]}"
        return "small files pile up; the next night gathers those of days that are over"


def holding(name: str, listing: Listing, live: frozenset[str]) -> Holding:
    """Pure: what the NameNode lists, and what the log calls live."""
    log = [file for file in listing.files if file.path.startswith(f"{LOG}/")]
    data = [file for file in listing.files if not file.path.startswith(("_", "."))]
    days: dict[str, list[File]] = {}
    for file in data:
        if found := _DAY.match(file.path):
            days.setdefault(found[1], []).append(file)
    return Holding(
        name=name,
        data=_group(data, live),
        log_files=len(log),
        log_size=sum(file.size for file in log),
        objects=len(listing.files) + sum(file.blocks for file in listing.files) + listing.directories,
        days={day: _group(days[day], live) for day in sorted(days)},
    )


def _group(files: Sequence[File], live: frozenset[str]) -> Group:
    sizes = [file.size for file in files if file.path in live]
    waiting = [file.size for file in files if file.path not in live]
    return Group(len(sizes), sum(sizes), len(waiting), sum(waiting))


def holdings(settings: Settings, names: Sequence[str] = TABLES) -> list[Holding]:
    """Those of these tables that are there."""
    client = InsecureClient(settings.hdfs_http, user=USER, timeout=SECONDS)
    try:
        return [found for name in names if (found := _holding(settings, client, name))]
    except (HdfsError, RequestException, DeltaError, OSError) as error:
        raise StackError(
            f"HDFS at {settings.hdfs_http} can't be listed: {first_line(error)}. See ./run status namenode"
        ) from error


def _holding(settings: Settings, client: InsecureClient, name: str) -> Holding | None:
    """The log is asked first: a file that comes between the two questions then counts as waiting, for this once."""
    try:
        table = DeltaTable(table_url(settings, name))
    except TableNotFoundError:
        return None
    live = pa.table(table.get_add_actions(flatten=True))["path"].to_pylist()
    return holding(name, _listing(client, f"{settings.hdfs_root}/{name}"), frozenset(live))


def _listing(client: InsecureClient, root: str) -> Listing:
    files, directories = [], 0
    for (folder, _), _, found in client.walk(root, status=True):
        directories += 1
        files += [_file(f"{folder}/{name}".removeprefix(f"{root}/"), status) for name, status in found]
    return Listing(files, directories)


def _file(path: str, status: Mapping[str, Any]) -> File:
    size: int = status["length"]
    return File(path, size, math.ceil(size / status["blockSize"]) if size else 0)


def chosen(name: str) -> tuple[str, ...]:
    """The table that is asked for, or all."""
    if name and name not in TABLES:
        raise StackError(f"{name!r} is not a table.{suggest(name, TABLES)}")
    return (name,) if name else TABLES


def as_json(found: Sequence[Holding], days: int | None) -> dict[str, Any]:
    """`days` says how many of the last days; None: of no table."""
    return {"tables": [_as_json(table, days) for table in found]}


def _as_json(table: Holding, days: int | None) -> dict[str, Any]:
    told = {name: value for name, value in asdict(table).items() if name not in ("data", "days")}
    told |= asdict(table.data) | {"average": table.data.average, "remedy": table.remedy}
    told |= {"first_day": min(table.days, default=None), "last_day": max(table.days, default=None)}
    if days is not None:
        last = list(table.days.items())[-days:]
        told["days"] = [
            {"day": day, **asdict(group), "average": group.average, "piles_up": group.piles_up} for day, group in last
        ]
    return told


def show(settings: Settings, found: Sequence[Holding], names: Sequence[str]) -> None:
    table = _table("table", "files", "size", "average", "waiting", "size", "log", "objects", "first day", "last day")
    for held in found:
        first, last = min(held.days, default=""), max(held.days, default="")
        log = f"{held.log_files:,}"
        table.add_row(held.name, *_columns(held.data), log, f"{held.objects:,}", first, last)
    console = _console()
    console.print(table)
    console.print(f"\n{settings.hdfs_url}{settings.hdfs_root}: {sum(held.objects for held in found):,} objects of the NameNode")
    if missing := [name for name in names if name not in {held.name for held in found}]:
        console.print(f"not there yet: {', '.join(missing)}")
    for held in found:
        if held.remedy:
            console.print(f"[yellow]{held.name}[/]: {held.remedy}")


def show_days(held: Holding, count: int) -> None:
    table = _table("day", "files", "size", "average", "waiting", "size", "")
    for day, group in list(held.days.items())[-count:]:
        table.add_row(day, *_columns(group), "[yellow]small files pile up[/]" if group.piles_up else "")
    if not held.days:
        table.add_row("(no days)", *_columns(held.data), "")
    console = _console()
    console.print(table)
    console.print(f"\n{held.name}: {held.log_files:,} files of the log, {held.objects:,} objects of the NameNode")
    if held.remedy:
        console.print(f"[yellow]{held.remedy}[/]")


def _columns(group: Group) -> Iterator[str]:
    """Live files, then those that wait for the vacuum."""
    yield f"{group.files:,}"
    yield size_text(group.size)
    yield size_text(group.average)
    yield f"{group.waiting:,}"
    yield size_text(group.waiting_size)


def _table(*columns: str) -> Table:
    table = Table(title=None, box=None, pad_edge=False, header_style="bold")
    left = ("table", "day", "first day", "last day", "")
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", no_wrap=True)
    return table


def _console() -> Console:
    return Console(width=None if Console().is_terminal else 200, highlight=False)


def size_text(size: int) -> str:
    for unit, name in ((2**40, "TB"), (2**30, "GB"), (2**20, "MB"), (2**10, "KB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return f"{size} B"
