"""What Connect, Postgres and Debezium answered, recorded; traces are shortened to the lines that say something."""

from __future__ import annotations

from typing import Any

WORKER = {"worker_id": "127.0.0.1:18054", "version": "3.6.3.Final"}


def make_status(*tasks: dict[str, Any], state: str = "RUNNING") -> dict[str, Any]:
    return {"name": "shop", "connector": {"state": state} | WORKER, "tasks": list(tasks), "type": "source"}


RUNNING: dict[str, Any] = {"id": 0, "state": "RUNNING"} | WORKER
#: GET /connectors/shop/offsets while all rows are read for the first time, and later.
IN_SNAPSHOT = {
    "last_snapshot_record": False, "lsn": 28817040, "txId": 759, "ts_usec": 1795985277930549, "snapshot": "INITIAL",
    "snapshot_completed": False,
}  # fmt: skip
STREAMING = {
    "lsn_proc": 29446048, "messageType": "COMMIT", "lsn_commit": 29446048, "lsn": 29446048, "txId": 836,
    "ts_usec": 1795985715697512,
}  # fmt: skip
LARGE_ROW = (
    "org.apache.kafka.common.KafkaException: Cannot execute transactional method because we are in an error state\n"
    "\tat org.apache.kafka.clients.producer.internals.TransactionManager.maybeFailWithError(TransactionManager.java:1173)\n"
    "Caused by: org.apache.kafka.common.errors.RecordTooLargeException: The message is 9001183 bytes when serialized which is "
    "larger than 8388608, which is the value of the max.request.size configuration.\n"
)
UNKNOWN_TRACE = (
    "org.apache.kafka.connect.errors.ConnectException: An exception occurred in the change event producer. "
    "This connector will be stopped.\n"
    "\tat io.debezium.pipeline.ErrorHandler.setProducerThrowable(ErrorHandler.java:67)\n"
    "Caused by: io.debezium.DebeziumException: something that nobody has seen yet\n"
    "\tat io.debezium.pipeline.EventDispatcher.dispatchDataChangeEvent(EventDispatcher.java:312)\n"
)


def _refuse(reason: str) -> str:
    """The message of an answer 400 to PUT /connectors/shop/config."""
    return (
        "Connector configuration is invalid and contains the following 1 error(s):\n"
        f"Error while validating connector config: {reason}\n"
        "You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`"
    )


REFUSED_PASSWORD = _refuse('FATAL: password authentication failed for user "cdc"')
REFUSED_PORT = _refuse(
    "Connection to 127.0.0.1:23099 refused. Check that the hostname and port are correct and that the postmaster is accepting "
    "TCP/IP connections."
)
NO_PUBLICATION = (
    "org.apache.kafka.connect.errors.ConnectException: Publication autocreation is disabled, please create one and restart the "
    "connector."
)
NO_REPLICATION = (
    "FATAL: permission denied to start WAL sender\n"
    "  Detail: Only roles with the REPLICATION attribute may start a WAL sender process."
)
LOG_GONE = (
    "io.debezium.DebeziumException: The connector is trying to read change stream starting at PostgresOffsetContext [lsn=1], "
    "but this is no longer available on the server. Reconfigure the connector to use a snapshot mode when needed."
)
