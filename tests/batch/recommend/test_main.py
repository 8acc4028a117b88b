"""./run recommend on Delta tables of the local disk, without the model that needs Spark."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from batch.recommend import __main__ as program
from cdp.recommend.store import CHALLENGER, CHAMPION, NoModel, get_folder, read_pointer
from cdp.settings import Settings
from tests.batch.recommend.made import LAST
from tests.databases import rows

pytestmark = pytest.mark.stack("postgres")
TRAIN = ["train", "--day", str(LAST), "--models", "seen-together", "alike"]


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
    ((name, promoted, serves),) = rows(settings, "SELECT version, promoted, evaluation->'serves' FROM recommend.version")
    assert (name, promoted, serves) == (challenger.name, True, first["serves"])


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


@pytest.mark.usefixtures("lake")
def test_a_night_trains_only_when_the_last_version_is_old(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    early = LAST - timedelta(days=settings.recommend_train_days)
    assert program.is_due(settings, early)
    assert program.main([*TRAIN, "--if-due"]) == 0
    version = read_pointer(settings, CHALLENGER)
    assert not program.is_due(settings, LAST + timedelta(days=settings.recommend_train_days - 1))
    assert program.is_due(settings, LAST + timedelta(days=settings.recommend_train_days))
    assert program.main(["train", "--day", str(LAST), "--if-due"]) == 0, "it would need Spark"
    assert read_pointer(settings, CHALLENGER) == version
    assert program.main(["evaluate", "--if-due"]) == program.main(["evaluate", "--if-due"]) == 0
    assert "was evaluated before" in capsys.readouterr().out


@pytest.mark.usefixtures("lake")
def test_training_completes_when_postgres_is_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Postgres goes away after the models were written."""
    record = program.records.record_version
    away = replace(settings, postgres_port=1)
    monkeypatch.setattr(program.records, "record_version", lambda _, version: record(away, version))
    assert program.main(TRAIN) == 1
    assert "./run status postgres" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(program, "current", lambda: settings)
    assert program.main(TRAIN) == 0
    assert rows(settings, "SELECT day FROM recommend.version") == [(LAST,)]
