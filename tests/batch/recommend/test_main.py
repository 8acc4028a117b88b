"""./run recommend on Delta tables of the local disk, without the model that needs Spark."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from batch.recommend import __main__ as program
from cdp.lake.paths import EVENTS, INTERACTIONS, table_url
from cdp.recommend.store import CHALLENGER, CHAMPION, NoModel, get_folder, read_pointer
from cdp.settings import Settings, load
from tests.batch.recommend.made import EVENT_SCHEMA, INTERACTION_SCHEMA, LAST, make_groups

TRAIN = ["train", "--day", str(LAST), "--models", "seen-together", "alike"]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings = replace(load({"CDP_VAR_DIR": str(tmp_path / "var")}), hdfs_url=f"file:{tmp_path}")
    monkeypatch.setattr(program, "current", lambda: settings)
    return settings


@pytest.fixture
def lake(settings: Settings) -> None:
    interactions, views = make_groups()
    write_deltalake(table_url(settings, INTERACTIONS), pa.Table.from_pylist(interactions, INTERACTION_SCHEMA))
    write_deltalake(table_url(settings, EVENTS), pa.Table.from_pylist(views, EVENT_SCHEMA))


@pytest.mark.usefixtures("lake")
def test_a_trained_version_is_evaluated_and_serves(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(TRAIN) == 0
    challenger = read_pointer(settings, CHALLENGER)
    assert challenger
    assert read_pointer(settings, CHAMPION) is None
    assert program.main(["evaluate", "--explain"]) == 0
    assert read_pointer(settings, CHAMPION) == challenger
    assert challenger.evaluation
    assert challenger.evaluation["serves"]["for_you"] == "seen-together"
    explained = capsys.readouterr().out
    assert all(check["reason"] in explained for checks in challenger.evaluation["gate"].values() for check in checks)
    first = challenger.evaluation
    assert program.main(TRAIN) == 0, "the same again makes nothing new"
    assert program.main(["evaluate"]) == 0
    assert read_pointer(settings, CHAMPION) == challenger
    assert challenger.evaluation == first


def test_what_is_missing_is_named(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["evaluate"]) == 1
    assert "./run recommend train" in capsys.readouterr().err
    assert program.main(TRAIN) == 1
    assert f"./run night --day {LAST}" in capsys.readouterr().err
    with pytest.raises(NoModel):
        program.evaluate_challenger(settings, explain=False)
    assert not [path for path in get_folder(settings).iterdir() if path.is_dir()]


@pytest.mark.usefixtures("lake")
def test_a_day_that_no_night_has_published_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["train", "--day", "2019-11-01", "--models", "alike"]) == 1
    assert f"end on {LAST}" in capsys.readouterr().err
