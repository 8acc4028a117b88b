"""The snapshots of a table: the rows of its last exports, in a folder of the source. A snapshot is named after its content, so
two exports with the same rows are the same snapshot, in whatever order the rows are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from cdp.events.reading.sql import literal, name
from cdp.settings import Settings
from source_server.diff.export import LINE, ROW, Export, make_schema
from source_server.diff.options import ExportOptions
from source_server.diff.refusal import DiffRunning
from source_server.intake.refusal import FileRefused

#: Increased when rows are written in another way: all of them then count as changed.
FORMAT = 1
BATCH_ROWS = 50_000
#: Memory of a comparison; larger files are sorted and joined on disk.
MEMORY = "512MB"


class Snapshots:
    """The folder of one table."""

    def __init__(self, settings: Settings, table: str, key: tuple[str, ...]) -> None:
        self._folder = settings.state_dir / "source" / "diff" / table
        self._table = table
        self._key = key
        self._folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        try:
            with FileLock(self._folder / ".lock", timeout=0):
                yield
        except Timeout:
            raise DiffRunning(f"another run compares {self._table} at this moment; try again when it has ended.") from None

    def path_of(self, snapshot: str) -> Path:
        return self._folder / f"{snapshot}.parquet"

    def exists(self, snapshot: str) -> bool:
        return self.path_of(snapshot).is_file()

    def count_rows(self, snapshot: str) -> int:
        return int(pq.read_metadata(self.path_of(snapshot)).num_rows) if snapshot else 0

    def keep(self, snapshots: Collection[str]) -> None:
        """Delete everything but these snapshots, also what a killed run has left."""
        for path in self._folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != ".lock" and path.stem not in snapshots:
                path.unlink()

    @contextmanager
    def open_engine(self) -> Iterator[duckdb.DuckDBPyConnection]:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY, "temp_directory": str(self._folder / ".sorting"), "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }  # fmt: skip
        with closing(duckdb.connect(config=config)) as engine:
            engine.execute("SET enable_progress_bar = false")
            yield engine

    def add(self, path: Path, options: ExportOptions) -> tuple[str, Export]:
        """Read a file into a snapshot. Refuses a file with a fault."""
        export = Export(path, options)
        rows, part = self._folder / ".rows.parquet", self._folder / ".snapshot.parquet"
        try:
            with pq.ParquetWriter(rows, make_schema(self._key), compression="lz4", use_dictionary=False) as writer:
                for table in export:
                    writer.write_table(table)
            with self.open_engine() as engine:
                self._refuse_repeated_keys(engine, rows, path)
                snapshot = self._write_sorted(engine, rows, part)
            part.replace(self.path_of(snapshot))
        finally:
            rows.unlink(missing_ok=True)
            part.unlink(missing_ok=True)
        return snapshot, export

    def list_keys(self) -> str:
        return ", ".join(map(name, self._key))

    def make_key_json(self) -> str:
        """SQL of the key as Debezium writes it."""
        fields = ", ".join(f"{name(column)} := {name(column)}" for column in self._key)
        return f"CAST(to_json(struct_pack({fields})) AS VARCHAR)"

    def _write_sorted(self, engine: duckdb.DuckDBPyConnection, rows: Path, target: Path) -> str:
        """Write the rows in the order of their key. Returns the name of the snapshot."""
        keys = self.list_keys()
        reader = engine.sql(
            f"SELECT {keys}, {name(ROW)} FROM read_parquet({literal(str(rows))}) ORDER BY {keys}"
        ).to_arrow_reader(BATCH_ROWS)
        digest = hashlib.sha256(f"{FORMAT}\n{self._table}\n".encode())
        with target.open("wb") as file:
            with pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
                for batch in reader:
                    writer.write_batch(batch)
                    digest.update("\n".join(batch.column(ROW).to_pylist()).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return digest.hexdigest()[:16]

    def _refuse_repeated_keys(self, engine: duckdb.DuckDBPyConnection, rows: Path, path: Path) -> None:
        lines = name(LINE)
        repeated = engine.execute(
            f"SELECT min({lines}), max({lines}) FROM read_parquet({literal(str(rows))}) "
            f"GROUP BY {self.list_keys()} HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
        ).fetchone()
        if repeated:
            first, other = repeated
            keys = ",".join(self._key)
            raise FileRefused(f"{path.name}: line {other:,} has the same {keys} as line {first:,}; nothing was sent.")
