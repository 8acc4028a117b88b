"""MLflow: the record of every training and evaluation, and the registry of the models. Serving does not need it."""

from __future__ import annotations

from cdp.settings import Settings
from infra.stack.service import Service, StartCommand
from infra.stack.stack import Stack


def _command(stack: Stack) -> StartCommand:
    return StartCommand(("mlflow", "server"))


def _probe(settings: Settings) -> str:
    raise NotImplementedError


MLFLOW = Service(
    name="mlflow",
    title="MLflow",
    group="recommend",
    needs=("postgres",),
    ports=("mlflow_port",),
    command=_command,
    probe=_probe,
    address="{mlflow_url}",
)
