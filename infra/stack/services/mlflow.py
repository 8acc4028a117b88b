"""MLflow: the record of every training and evaluation, and the registry of the models. Serving does not need it."""

from __future__ import annotations

from urllib.parse import quote

from cdp.settings import Settings
from infra.stack.mlflow_environment import ensure_environment, find_program
from infra.stack.service import Service, StartCommand
from infra.stack.services.http import get_json
from infra.stack.services.postgres import ensure_database
from infra.stack.stack import Stack

_LOGS = "./run logs mlflow"


def build_environment(stack: Stack) -> dict[str, str]:
    """`mlflow server` sets the private names and then starts 15 processes of 2 GB. One process of 250 MB is enough here."""
    settings = stack.settings
    database = (
        f"postgresql+psycopg://{quote(settings.postgres_user)}:{quote(settings.postgres_password)}"
        f"@{settings.postgres_host}:{settings.postgres_port}/{settings.mlflow_database}"
    )
    return {
        "_MLFLOW_SERVER_FILE_STORE": database,
        "_MLFLOW_SERVER_REGISTRY_STORE": database,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(stack.data_dir("mlflow")),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _command(stack: Stack) -> StartCommand:
    settings = stack.settings
    program = str(find_program("uvicorn"))
    argv = (program, "mlflow.server.fastapi_app:app", "--host", settings.host, "--port", str(settings.mlflow_port))
    return StartCommand(argv, build_environment(stack))


def _prepare(stack: Stack) -> None:
    """Make the environment once per version, the database, and the folder of the artefacts."""
    ensure_environment()
    ensure_database(stack.settings, stack.settings.mlflow_database)
    stack.data_dir("mlflow").mkdir(parents=True, exist_ok=True)


def _probe(settings: Settings) -> str:
    """Read from its database, and list its artefacts."""
    address = f"{settings.mlflow_url}/api/2.0"
    models = get_json(f"{address}/mlflow/registered-models/search?max_results=100", _LOGS).get("registered_models", [])
    get_json(f"{address}/mlflow-artifacts/artifacts", _LOGS)
    return f"reaches its database and its artefacts, {len(models)} models"


MLFLOW = Service(
    name="mlflow",
    title="MLflow",
    group="recommend",
    needs=("postgres",),
    ports=("mlflow_port",),
    command=_command,
    prepare=_prepare,
    probe=_probe,
    address="{mlflow_url}",
)
