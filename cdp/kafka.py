"""How every Kafka client of ours reaches the brokers, whichever folder it is in."""

from __future__ import annotations

from cdp.settings import Settings


def client_config(settings: Settings) -> dict[str, str | int | float | bool]:
    # The client would write of every lost connection to stderr; what matters comes as an error to whoever called.
    return {"bootstrap.servers": settings.kafka_bootstrap, "security.protocol": settings.kafka_security, "log_level": 0}
