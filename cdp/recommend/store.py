"""Versions of the models as folders on disk, and which of them serves. A reader never sees half of a version: a folder gets its
name when it is complete, and a pointer is replaced as a whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cdp.recommend.parts import Part, read_part, write_part
from cdp.settings import Settings

#: The version that serves, and the one that was trained last.
CHAMPION, CHALLENGER = "champion", "challenger"
#: Versions that stay, besides these two.
KEPT = 5
_PARAMS, _TRAINING, _EVALUATION = "params.json", "training.json", "evaluation.json"
#: The model as of the day, and the one as of a week before, which the evaluation tests on that week.
FULL, SPLIT = "full", "split"


class NoModel(RuntimeError):
    """There is no such version. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Version:
    """A trained version."""

    name: str
    folder: Path

    @property
    def params(self) -> dict[str, Any]:
        params: dict[str, Any] = json.loads((self.folder / _PARAMS).read_text())
        return params

    @property
    def day(self) -> date:
        return date.fromisoformat(self.params["day"])

    @property
    def training(self) -> dict[str, Any]:
        """When the training ended (`at`), and the `seconds` that it took."""
        training: dict[str, Any] = json.loads((self.folder / _TRAINING).read_text())
        return training

    @property
    def evaluation(self) -> dict[str, Any] | None:
        """None if it was never evaluated."""
        path = self.folder / _EVALUATION
        return json.loads(path.read_text()) if path.exists() else None

    @property
    def evaluation_time(self) -> float:
        return (self.folder / _EVALUATION).stat().st_mtime

    def read(self, part: str) -> Part:
        return read_part(self.folder / part)


def get_folder(settings: Settings) -> Path:
    return settings.state_dir / "models"


def name_version(params: dict[str, Any]) -> str:
    """The same data and parameters have the same name."""
    digest = hashlib.blake2b(json.dumps(params, sort_keys=True).encode(), digest_size=4).hexdigest()
    return f"{params['day']}-{digest}"


def find_version(settings: Settings, name: str) -> Version | None:
    folder = get_folder(settings) / name
    return Version(name, folder) if (folder / _PARAMS).exists() else None


def write_version(settings: Settings, params: dict[str, Any], full: Part, split: Part, seconds: float) -> Version:
    """Write a version whose training took so many seconds, and point the challenger to it."""
    models, name = get_folder(settings), name_version(params)
    unfinished = models / f".{name}.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    write_part(full, unfinished / FULL)
    write_part(split, unfinished / SPLIT)
    (unfinished / _PARAMS).write_text(json.dumps(params, indent=1) + "\n")
    training = {"at": datetime.now(UTC).isoformat(), "seconds": round(seconds)}
    (unfinished / _TRAINING).write_text(json.dumps(training) + "\n")
    unfinished.rename(models / name)
    point(settings, CHALLENGER, name)
    _remove_old(settings)
    return Version(name, models / name)


def read_pointer(settings: Settings, pointer: str) -> Version | None:
    path = get_folder(settings) / pointer
    return find_version(settings, path.read_text().strip()) if path.exists() else None


def require_challenger(settings: Settings) -> Version:
    version = read_pointer(settings, CHALLENGER)
    if version is None:
        raise NoModel("no model was trained yet; train one: ./run recommend train --day D")
    return version


def point(settings: Settings, pointer: str, name: str) -> None:
    replace_text(get_folder(settings) / pointer, f"{name}\n")


def write_evaluation(version: Version, evaluation: dict[str, Any]) -> None:
    replace_text(version.folder / _EVALUATION, json.dumps(evaluation, indent=1) + "\n")


def replace_text(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _remove_old(settings: Settings) -> None:
    """Also what a killed training left."""
    used = {version.name for pointer in (CHAMPION, CHALLENGER) if (version := read_pointer(settings, pointer))}
    folders = [path for path in get_folder(settings).iterdir() if path.is_dir()]
    unfinished = [folder for folder in folders if folder.name.startswith(".")]
    unused = [folder for folder in folders if find_version(settings, folder.name) and folder.name not in used]
    for folder in [*unfinished, *sorted(set(unused) - set(unfinished), key=lambda path: path.stat().st_mtime)[:-KEPT]]:
        shutil.rmtree(folder)
