"""Records a version in MLflow by its REST interface: a run with parameters, measures and files, and a version of the registered
model. Serving never asks MLflow, so only this command fails when it is away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from cdp.recommend import store
from cdp.recommend.store import Version
from cdp.settings import Settings

EXPERIMENT = MODEL = "recommend"
#: The tag of a run that names its version.
TAG = "version"
SECONDS = 60
#: Lists whose measures are recorded.
LISTS = ("for_you", "buy_again", "goes_with")


class TrackingProblem(RuntimeError):
    """MLflow is away or refuses. The message says what to do."""


class Client:
    """The few requests that recording needs."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def post(self, action: str, /, **body: Any) -> dict[str, Any]:
        return self._read(self._http.post(f"/api/2.0/mlflow/{action}", json=body))

    def find(self, action: str, /, **query: str) -> dict[str, Any] | None:
        """None if there is no such thing."""
        reply = self._http.get(f"/api/2.0/mlflow/{action}", params=query)
        return None if reply.status_code == httpx.codes.NOT_FOUND else self._read(reply)

    def upload(self, path: str, file: Path) -> None:
        with file.open("rb") as content:
            self._read(self._http.put(f"/api/2.0/mlflow-artifacts/artifacts/{path}", content=content))

    @staticmethod
    def _read(reply: httpx.Response) -> dict[str, Any]:
        if reply.is_error:
            raise TrackingProblem(
                f"MLflow answers {reply.status_code} to {reply.url.path}: {reply.text[:200]}; ./run logs mlflow"
            )
        answer: dict[str, Any] = reply.json() if reply.content else {}
        return answer


@contextmanager
def _open_client(settings: Settings) -> Iterator[Client]:
    try:
        with httpx.Client(base_url=settings.mlflow_url, timeout=SECONDS, trust_env=False) as http:
            yield Client(http)
    except httpx.HTTPError as error:
        raise TrackingProblem(
            f"MLflow at {settings.mlflow_url} can't be used: {error}; start it: ./run up mlflow. Serving does not need it."
        ) from error


def register(settings: Settings, version: Version, champion: Version | None) -> str:
    """Record the version unless it is recorded, and point the aliases as on disk. Returns the address of the run."""
    with _open_client(settings) as client:
        experiment = _find_experiment(client)
        run = _find_run(client, experiment, version.name)
        if run is None or run["info"]["status"] != "FINISHED":
            run = _record(client, experiment, version, run)
        elif version.evaluation:
            _log_measures(client, run["info"]["run_id"], version.evaluation)
        _register_model(client, run["info"], version)
        for alias, named in ((store.CHALLENGER, version), (store.CHAMPION, champion)):
            if named and (number := _find_model_version(client, named.name)):
                client.post("registered-models/alias", name=MODEL, alias=alias, version=number)
    return f"{settings.mlflow_url}/#/experiments/{experiment}/runs/{run['info']['run_id']}"


def _find_experiment(client: Client) -> str:
    found = client.find("experiments/get-by-name", experiment_name=EXPERIMENT)
    answer = found["experiment"] if found else client.post("experiments/create", name=EXPERIMENT)
    return str(answer["experiment_id"])


def _find_run(client: Client, experiment: str, version: str) -> dict[str, Any] | None:
    query = f"tags.{TAG} = '{version}'"
    runs = client.post("runs/search", experiment_ids=[experiment], filter=query, max_results=1).get("runs")
    return runs[0] if runs else None


def _record(client: Client, experiment: str, version: Version, run: dict[str, Any] | None) -> dict[str, Any]:
    """A run that was cut off is filled again: all of it can be repeated."""
    start, end = _find_times(version)
    if run is None:
        tags = [{"key": TAG, "value": version.name}]
        run = client.post("runs/create", experiment_id=experiment, run_name=version.name, start_time=start, tags=tags)["run"]
    run_id = run["info"]["run_id"]
    params = [{"key": key, "value": value} for key, value in _flatten(version.params)]
    client.post("runs/log-batch", run_id=run_id, params=params)
    if version.evaluation:
        _log_measures(client, run_id, version.evaluation)
    root = run["info"]["artifact_uri"].partition(":/")[2].lstrip("/")
    for file in _list_files(version):
        client.upload(f"{root}/model/{file.relative_to(version.folder)}", file)
    client.post("runs/update", run_id=run_id, status="FINISHED", end_time=end)
    return run


def _find_times(version: Version) -> tuple[int, int]:
    """When the training began and ended, in milliseconds."""
    end = datetime.fromisoformat(version.training["at"]).timestamp()
    return round((end - version.training["seconds"]) * 1000), round(end * 1000)


def _list_files(version: Version) -> Iterator[Path]:
    """What serving reads, and what says where it comes from. The tested part stays on this machine."""
    yield from sorted(version.folder.glob("*.json"))
    yield from sorted((version.folder / store.FULL).iterdir())


def _flatten(params: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in params.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value)


def _log_measures(client: Client, run_id: str, evaluation: dict[str, Any]) -> None:
    measures = {
        f"{name}.{model}.{measure}": value
        for name in LISTS
        for model, values in evaluation[name].items()
        for measure, value in values.items()
    }
    metrics = [{"key": key, "value": value, "timestamp": 0, "step": 0} for key, value in measures.items()]
    client.post("runs/log-batch", run_id=run_id, metrics=metrics)
    serves = [{"key": f"serves.{name}", "value": model} for name, model in evaluation["serves"].items()]
    client.post(
        "runs/log-batch", run_id=run_id, tags=[*serves, {"key": "promoted", "value": str(evaluation["promoted"]).lower()}]
    )


def _register_model(client: Client, run: dict[str, Any], version: Version) -> None:
    if client.find("registered-models/get", name=MODEL) is None:
        client.post("registered-models/create", name=MODEL)
    if _find_model_version(client, version.name) is None:
        source, tags = f"{run['artifact_uri']}/model", [{"key": TAG, "value": version.name}]
        client.post("model-versions/create", name=MODEL, source=source, run_id=run["run_id"], tags=tags)


def _find_model_version(client: Client, version: str) -> str | None:
    found = client.find("model-versions/search", filter=f"name = '{MODEL}' AND tags.{TAG} = '{version}'", max_results="1")
    versions = (found or {}).get("model_versions")
    return str(versions[0]["version"]) if versions else None
