"""The reading of messages by the contract: texts become typed columns, or a refusal with reason, field and detail.

The contract is SQL of DuckDB over Arrow batches. The stream, the replay and the importer run the same SQL; a second reading in
plain Python is the referee of the tests (tests/oracle/messages.py).
"""

from cdp.events.reading.checks import NOT_JSON, ContractCheck, make_checks
from cdp.events.reading.reader import (
    EVENTS_SCHEMA,
    MESSAGES_SCHEMA,
    REFUSALS_SCHEMA,
    REPLAY_SCHEMA,
    EventReader,
    ReadMessages,
    open_reader,
    to_days,
)

__all__ = [
    "EVENTS_SCHEMA",
    "MESSAGES_SCHEMA",
    "NOT_JSON",
    "REFUSALS_SCHEMA",
    "REPLAY_SCHEMA",
    "ContractCheck",
    "EventReader",
    "ReadMessages",
    "make_checks",
    "open_reader",
    "to_days",
]
