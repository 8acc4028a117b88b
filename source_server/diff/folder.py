"""The watched folder: each export in it is compared once, then moved to `done`, or to `failed` with the reason beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cdp.settings import Settings
from source_server.diff.columns import require_table
from source_server.diff.options import DECLARATIONS, ExportOptions, make_options, read_declarations
from source_server.diff.refusal import DiffRefused, DiffRunning
from source_server.diff.run import DiffReport, compare_file
from source_server.intake.kinds import DELIMITERS, derive_name
from source_server.intake.refusal import FileRefused
from source_server.intake.stream import PACKED, ZIP

#: A file that was changed within so many seconds may still be copied; it waits for the next run.
QUIET_SECONDS = 60
DONE, FAILED = "done", "failed"
_ENDINGS = tuple(f".{kind}{packed}" for kind in DELIMITERS for packed in ("", *PACKED, ZIP))


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of a file of the folder: a report, or the file with the reason why it was refused."""

    file: str
    report: DiffReport | None = None
    reason_file: Path | None = None

    def __str__(self) -> str:
        """Without the reason, which may quote the file."""
        return str(self.report) if self.report else f"{self.file}: refused; the reason is in {self.reason_file}"


def process_folder(settings: Settings, stop: threading.Event) -> Iterator[FileOutcome]:
    """Compare the files in the order of their last change. If Kafka does not answer, the files that are left stay."""
    folder = settings.diff_folder
    if not folder.is_dir():
        raise DiffRefused(f"there is no folder {folder}; create it, or name another one in CDP_DIFF_FOLDER.")
    declarations = read_declarations(folder / DECLARATIONS) if (folder / DECLARATIONS).exists() else {}
    for path in _list_files(folder):
        try:
            report = compare_file(settings, path, _find_options(path, declarations), stop=stop)
        except DiffRunning:
            continue  # the next run takes the file
        except (FileRefused, DiffRefused) as error:
            moved = _move(path, FAILED)
            reason_file = moved.with_name(f"{moved.name}.reason.txt")
            reason_file.write_text(f"{error}\n")
            yield FileOutcome(path.name, reason_file=reason_file)
        else:
            _move(path, DONE)
            yield FileOutcome(path.name, report)


def _list_files(folder: Path) -> list[Path]:
    paths = [path for path in folder.iterdir() if path.name.endswith(_ENDINGS) and path.name[0] != "." and path.is_file()]
    changed = {path: path.stat().st_mtime for path in paths}
    quiet = [path for path in paths if changed[path] <= time.time() - QUIET_SECONDS]
    return sorted(quiet, key=lambda path: (changed[path], path.name))


def _find_options(path: Path, declarations: dict[str, ExportOptions]) -> ExportOptions:
    """Of orders.csv and of orders-2026-11-30.csv."""
    table = require_table(derive_name(path).partition("-")[0])
    return declarations.get(table) or make_options(table)


def _move(path: Path, folder: str) -> Path:
    """The time in the name keeps files of the same name apart."""
    target = path.parent / folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z-{path.name}"
    target.parent.mkdir(exist_ok=True)
    return path.rename(target)
