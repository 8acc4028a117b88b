"""Airflow on Postgres: API server, scheduler, DAG processor."""

from __future__ import annotations

import subprocess
from functools import partial
from threading import Lock
from urllib.parse import quote

from cdp.settings import REPOSITORY, Settings
from infra.stack.cause import find_cause
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.services.http import get_json
from infra.stack.services.postgres import ensure_database
from infra.stack.stack import INFRA, Stack, StackError, venv_bin, write_json

_migrating = Lock()


def build_environment(stack: Stack) -> dict[str, str]:
    """The variables that infra/airflow/airflow.cfg reads, and the secrets that it must not contain."""
    settings = stack.settings
    database = (
        f"{quote(settings.postgres_user)}:{quote(settings.postgres_password)}@{settings.postgres_host}:{settings.postgres_port}"
        f"/{settings.airflow_database}"
    )
    return {
        "AIRFLOW_HOME": str(stack.data_dir("airflow")),
        "AIRFLOW_CONFIG": str(INFRA / "airflow" / "airflow.cfg"),
        "AIRFLOW_DAGS": str(REPOSITORY / "dags"),
        "AIRFLOW_ADMIN": settings.admin_user,
        "AIRFLOW_BIND": settings.host,
        "AIRFLOW_PORT": str(settings.airflow_port),
        "AIRFLOW_LOG_PORT": str(settings.airflow_log_port),
        "AIRFLOW_URL": settings.airflow_url,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://{database}",
        "AIRFLOW__CORE__FERNET_KEY": settings.airflow_fernet_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": settings.airflow_jwt_secret,
        "AIRFLOW__API__SECRET_KEY": settings.airflow_jwt_secret,
    }


def _command(program: str, stack: Stack) -> StartCommand:
    return StartCommand((venv_bin("airflow"), program), build_environment(stack))


def _prepare(stack: Stack) -> None:
    """Create the database and its tables once for each version of Airflow; the first of the three services does it."""
    with _migrating:
        stack.data_dir("airflow").mkdir(parents=True, exist_ok=True)
        write_json(stack.data_dir("airflow") / "passwords.json", {stack.settings.admin_user: stack.settings.airflow_password})
        stamp = stack.stamp_file("airflow-migrate")
        version = _read_installed_version()
        if stamp.exists() and stamp.read_text() == version:
            return
        ensure_database(stack.settings, stack.settings.airflow_database)
        argv = (venv_bin("airflow"), "db", "migrate")
        result = subprocess.run(argv, env=stack.base_env | build_environment(stack), capture_output=True, text=True)
        if result.returncode:
            raise StackError(f"Airflow's tables could not be created: {find_cause(result.stderr)}")
        stamp.write_text(version)


def _read_installed_version() -> str:
    from importlib.metadata import version

    return version("apache-airflow")


def _probe_component(settings: Settings, name: str, log: str) -> str:
    health = get_json(f"{settings.airflow_url}/api/v2/monitor/health", f"./run logs {log}")[name]
    if health["status"] != "healthy":
        beat = health.get(f"latest_{name}_heartbeat") or "never"
        raise Unhealthy(f"no heartbeat (latest: {beat})", f"./run logs {log}")
    return f"heartbeat {str(health[f'latest_{name}_heartbeat'])[:19]}Z"


def _probe_api(settings: Settings) -> str:
    health = get_json(f"{settings.airflow_url}/api/v2/monitor/health", "./run logs airflow-api")
    if health["metadatabase"]["status"] != "healthy":
        raise Unhealthy("it can't reach its database", "./run logs postgres")
    version = get_json(f"{settings.airflow_url}/api/v2/version", "./run logs airflow-api")
    return f"version {version['version']}, reaches its database"


_service = partial(Service, group="airflow", prepare=_prepare)

API = _service(
    name="airflow-api",
    title="Airflow API server",
    needs=("postgres",),
    ports=("airflow_port",),
    command=partial(_command, "api-server"),
    probe=_probe_api,
    address="{airflow_url}",
)
SCHEDULER = _service(
    name="airflow-scheduler",
    title="Airflow scheduler",
    needs=("postgres",),
    brings=("airflow-api",),
    ports=("airflow_log_port",),
    command=partial(_command, "scheduler"),
    probe=partial(_probe_component, name="scheduler", log="airflow-scheduler"),
    address="",
)
DAG_PROCESSOR = _service(
    name="airflow-dags",
    title="Airflow DAG processor",
    needs=("postgres",),
    brings=("airflow-api",),
    ports=(),
    command=partial(_command, "dag-processor"),
    probe=partial(_probe_component, name="dag_processor", log="airflow-dags"),
    address="",
)
