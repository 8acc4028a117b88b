"""Connection settings of all our Kafka clients."""

from __future__ import annotations

from cdp.settings import Settings


def client_config(settings: Settings) -> dict[str, str | int | float | bool]:
    # Otherwise the client writes every lost connection to stderr; what matters reaches the caller as an error.
    return {"bootstrap.servers": settings.kafka_bootstrap, "security.protocol": settings.kafka_security, "log_level": 0}
