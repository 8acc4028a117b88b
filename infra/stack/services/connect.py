"""Kafka Connect, whose connector Debezium sends the changes of the shop's database to Kafka."""

from __future__ import annotations

import os

from cdp.settings import Settings
from infra.connect.shop import PASSWORD_NAME, SAMPLE_PASSWORD
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.services.http import get_json
from infra.stack.stack import INFRA, JARS, Stack, find_java

CONFIG = INFRA / "connect" / "worker.properties"


def build_environment(settings: Settings) -> dict[str, str]:
    """The variables that infra/connect/worker.properties reads, and the passwords of databases."""
    return {
        **{name: value for name, value in os.environ.items() if PASSWORD_NAME.fullmatch(name)},
        SAMPLE_PASSWORD: settings.shop_cdc_password,
        "CONNECT_BOOTSTRAP": settings.kafka_bootstrap,
        "CONNECT_SECURITY": settings.kafka_security,
        "CONNECT_REPLICATION": str(settings.kafka_replication),
        "CONNECT_BIND": settings.host,
        "CONNECT_PORT": str(settings.connect_port),
    }


def _command(stack: Stack) -> StartCommand:
    argv = (
        find_java(), "-Xms64m", f"-Xmx{stack.settings.connect_heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError", f"-Dlog4j2.configurationFile={INFRA}/connect/log4j2.yaml",
        "-cp", f"{JARS}/connect/*", "org.apache.kafka.connect.cli.ConnectDistributed", str(CONFIG),
    )  # fmt: skip
    return StartCommand(argv, build_environment(stack.settings))


def _answer(settings: Settings) -> str:
    """Its REST API answers, so a connector can be registered."""
    version = get_json(settings.connect_url, "./run logs connect")["version"]
    return f"version {version}"


def _probe(settings: Settings) -> str:
    """The registered connector reads and sends. Its state RUNNING alone proves nothing."""
    from infra.connect.health import find_first_problem, judge, read_facts
    from infra.connect.rest import ConnectError

    answer = _answer(settings)
    try:
        facts = read_facts(settings)
    except ConnectError as error:
        # It answers most questions from Kafka's topics.
        raise Unhealthy(f"its API answers, but not about the connector: {error}", "./run status kafka") from error
    if facts.status is None:
        return f"{answer}, no connector yet: ./run connect"
    findings = judge(facts)
    if problem := find_first_problem(findings):
        raise Unhealthy(problem.value, problem.remedy)
    return f"{answer}, " + ", ".join(finding.value for finding in findings if finding.brief)


CONNECT = Service(
    name="connect",
    title="Kafka Connect",
    needs=("kafka", "shop-db"),
    ports=("connect_port",),
    command=_command,
    probe=_probe,
    ready=_answer,
    group="live",
    patience=30,
    address="{connect_url}",
)
