"""Kafka in KRaft mode: one broker that is its own controller."""

from __future__ import annotations

import base64
import subprocess
import uuid
from typing import Any

from cdp.events import TOPICS
from cdp.events.topics import PROBE, topic_arguments
from cdp.kafka import client_config
from cdp.settings import Settings
from infra.stack.cause import find_cause
from infra.stack.service import Service, StartCommand, Unhealthy
from infra.stack.stack import INFRA, JARS, Stack, StackError, find_java

CONFIG = INFRA / "kafka" / "server.properties"
TIMEOUT = 5.0


def build_environment(settings: Settings, log_dir: str) -> dict[str, str]:
    """The variables that infra/kafka/server.properties reads."""
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_QUORUM_VOTERS": f"1@{settings.host}:{settings.kafka_controller_port}",
        "KAFKA_BIND": settings.host,
        "KAFKA_ADVERTISED_HOST": settings.host,
        "KAFKA_PORT": str(settings.kafka_port),
        "KAFKA_CONTROLLER_PORT": str(settings.kafka_controller_port),
        "KAFKA_SECURITY": settings.kafka_security,
        "KAFKA_LOG_DIR": log_dir,
        "KAFKA_PARTITIONS": str(settings.kafka_partitions),
        "KAFKA_REPLICATION": str(settings.kafka_replication),
        "KAFKA_RETENTION_HOURS": str(settings.kafka_retention_hours),
    }


def _build_java(stack: Stack, main: str, *arguments: str) -> StartCommand:
    argv = (
        find_java(), f"-Xmx{stack.settings.kafka_heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError", f"-Dlog4j2.configurationFile={INFRA}/kafka/log4j2.yaml",
        "-cp", f"{JARS}/kafka/*", main, *arguments,
    )  # fmt: skip
    return StartCommand(argv, build_environment(stack.settings, str(stack.data_dir("kafka"))))


def _command(stack: Stack) -> StartCommand:
    return _build_java(stack, "kafka.Kafka", str(CONFIG))


def _prepare(stack: Stack) -> None:
    """Format the log directory once."""
    if (stack.data_dir("kafka") / "meta.properties").exists():
        return
    tool = _build_java(
        stack, "kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", make_cluster_id(), "-c", str(CONFIG)
    )
    result = subprocess.run(tool.argv, env=stack.base_env | tool.env, capture_output=True, text=True)
    if result.returncode:
        raise StackError(f"Kafka's log directory {stack.data_dir('kafka')} could not be formatted: {find_cause(result.stderr)}")


def make_cluster_id() -> str:
    """16 random bytes in Kafka's notation. One id in 64 begins with a minus, which the tool would take for an option."""
    while (cluster_id := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return cluster_id


def ensure_topics(settings: Settings) -> None:
    """Create the declared topics that are missing. Another process may create one at the same time.

    Existing topics are not changed: this runs at each ./run status, and a shorter retention deletes messages. Only a load updates
    them (source_server/produce/topics.py).
    """
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient(client_config(settings))
    existing = admin.list_topics(timeout=TIMEOUT).topics
    missing = [NewTopic(**topic_arguments(settings, topic)) for topic in TOPICS if topic.name not in existing]
    if not missing:
        return
    for future in admin.create_topics(missing, operation_timeout=TIMEOUT).values():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def _probe(settings: Settings) -> str:
    """Send a message to the probe topic and read it back."""
    from confluent_kafka import KafkaException

    try:
        ensure_topics(settings)
        offset = _round_trip(settings, uuid.uuid4().bytes)
    except KafkaException as error:
        raise Unhealthy(f"no round trip: {error.args[0].str()}", "./run logs kafka") from error
    return f"round trip, offset {offset}"


def _round_trip(settings: Settings, payload: bytes) -> int:
    from confluent_kafka import Consumer, Producer, TopicPartition

    delivered: list[int] = []

    def record_offset(error: object, message: Any) -> None:
        if error is None:
            delivered.append(message.offset())

    producer = Producer(client_config(settings) | {"acks": "all", "message.timeout.ms": int(TIMEOUT * 1000)})
    producer.produce(PROBE.name, payload, on_delivery=record_offset)
    producer.flush(TIMEOUT)
    if not delivered:
        raise Unhealthy("a probe message was not acknowledged", "./run logs kafka")
    consumer = Consumer(client_config(settings) | {"group.id": "cdp-probe", "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(PROBE.name, 0, delivered[0])])
        message = consumer.poll(TIMEOUT)
    finally:
        consumer.close()
    if message is None or message.error() or message.value() != payload:
        raise Unhealthy("the probe message did not come back", "./run logs kafka")
    return delivered[0]


KAFKA = Service(
    name="kafka",
    title="Kafka broker",
    needs=(),
    ports=("kafka_port", "kafka_controller_port"),
    command=_command,
    prepare=_prepare,
    probe=_probe,
    address="{kafka_bootstrap}",
)
