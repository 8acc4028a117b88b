"""A version in a real MLflow, which may also be away."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from batch.recommend import __main__ as program
from cdp.recommend.store import CHALLENGER, CHAMPION, FULL, read_pointer
from cdp.settings import Settings
from tests.batch.recommend.made import LAST
from tests.batch.recommend.test_main import TRAIN
from tests.databases import rows

pytestmark = pytest.mark.usefixtures("lake")


@pytest.mark.stack("postgres", "redis", "mlflow")
def test_a_version_is_registered_once_with_its_measures_and_files(settings: Settings) -> None:
    assert program.main(TRAIN) == program.main(["register"]) == program.main(["evaluate"]) == 0
    version = read_pointer(settings, CHAMPION)
    assert version
    assert version.evaluation
    assert program.main(["register"]) == program.main(["register"]) == 0, "with the evaluation, and again"
    with httpx.Client(base_url=f"{settings.mlflow_url}/api/2.0/mlflow/", trust_env=False) as client:
        named = {
            alias: client.get("registered-models/alias", params={"name": "recommend", "alias": alias}).json()["model_version"]
            for alias in (CHALLENGER, CHAMPION)
        }
        run = client.get("runs/get", params={"run_id": named[CHAMPION]["run_id"]}).json()["run"]
        found = client.post(
            "runs/search",
            json={"experiment_ids": [run["info"]["experiment_id"]], "filter": f"tags.version = '{version.name}'"},
        ).json()["runs"]
        path = f"/api/2.0/mlflow-artifacts/artifacts/{run['info']['artifact_uri'].partition(':/')[2].lstrip('/')}/model/full"
        neighbours = client.get(f"{settings.mlflow_url}{path}/seen-together.npz").content
    assert named[CHALLENGER] == named[CHAMPION]
    assert len(found) == 1
    assert run["info"]["status"] == "FINISHED"
    measures = {metric["key"]: metric["value"] for metric in run["data"]["metrics"]}
    for name in ("for_you", "goes_with"):
        for model, values in version.evaluation[name].items():
            assert {measure: measures[f"{name}.{model}.{measure}"] for measure in values} == values
    assert {"key": "day", "value": str(LAST)} in run["data"]["params"]
    assert {param["key"] for param in run["data"]["params"]} >= {"data.interactions", "data.events", "als.rank"}
    assert neighbours == (version.folder / FULL / "seen-together.npz").read_bytes()
    ((url,),) = rows(settings, "SELECT run_url FROM recommend.version")
    assert url.endswith(run["info"]["run_id"])


@pytest.mark.stack("postgres", "redis")
@pytest.mark.usefixtures("store")
def test_only_registering_needs_mlflow(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "current", lambda: replace(settings, mlflow_url="http://127.0.0.1:1"))
    assert program.main(TRAIN) == program.main(["evaluate"]) == program.main(["publish", "--day", str(LAST)]) == 0
    assert program.main(["register"]) == 1
    assert "./run up mlflow" in capsys.readouterr().err
    assert rows(settings, "SELECT promoted, run_url FROM recommend.version") == [(True, "")]
