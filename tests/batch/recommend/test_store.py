"""Versions on disk: complete or not there, and never lost while they serve."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cdp.recommend import store
from cdp.recommend.store import CHALLENGER, CHAMPION, KEPT, find_version, name_version, point, read_pointer, write_version
from cdp.settings import Settings, load
from tests.batch.recommend.test_models import make_part


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = load({"CDP_VAR_DIR": str(tmp_path)})
    store.get_folder(settings).mkdir(parents=True)
    return settings


def make_params(number: int = 0) -> dict[str, Any]:
    return {"day": "2019-10-31", "number": number}


def test_a_version_is_named_by_its_day_and_parameters() -> None:
    assert name_version(make_params()) == name_version({"number": 0, "day": "2019-10-31"})
    assert name_version(make_params()) != name_version(make_params(1))
    assert name_version(make_params()).startswith("2019-10-31-")


def test_a_written_version_is_the_challenger(settings: Settings) -> None:
    version = write_version(settings, make_params(), make_part(), make_part(), 1.0)
    assert read_pointer(settings, CHALLENGER) == version
    assert read_pointer(settings, CHAMPION) is None
    assert (version.day, version.evaluation) == (date(2019, 10, 31), None)
    assert version.read(store.SPLIT).product_ids.tolist() == ["a", "b", "c"]


def test_a_version_that_was_cut_off_is_not_there(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kill comes after the first of the two parts."""
    write = store.write_part

    def fail_on_split(part: Any, folder: Path) -> None:
        if folder.name == store.SPLIT:
            raise KeyboardInterrupt
        write(part, folder)

    monkeypatch.setattr(store, "write_part", fail_on_split)
    with pytest.raises(KeyboardInterrupt):
        write_version(settings, make_params(), make_part(), make_part(), 1.0)
    assert find_version(settings, name_version(make_params())) is None
    assert read_pointer(settings, CHALLENGER) is None
    monkeypatch.undo()
    assert write_version(settings, make_params(), make_part(), make_part(), 1.0).read(store.FULL).als


def test_old_versions_go_but_never_the_champion(settings: Settings) -> None:
    first = write_version(settings, make_params(), make_part(), make_part(), 1.0)
    point(settings, CHAMPION, first.name)
    names = [write_version(settings, make_params(number), make_part(), make_part(), 1.0).name for number in range(1, KEPT + 3)]
    assert read_pointer(settings, CHAMPION) == first
    assert [name for name in names if find_version(settings, name) is None] == names[:1]
