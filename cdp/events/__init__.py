"""What an event is: its fields and bounds, its types, its topic, and the reasons to refuse one."""

from cdp.events.fields import COUNTS, EVENT_TYPES, FIELD_NAMES, FIELDS, TYPES, EventField, EventType
from cdp.events.reasons import REASONS, Reason
from cdp.events.topics import EVENTS_RAW, TOPICS, Topic

__all__ = [
    "COUNTS",
    "EVENTS_RAW",
    "EVENT_TYPES",
    "FIELDS",
    "FIELD_NAMES",
    "REASONS",
    "TOPICS",
    "TYPES",
    "EventField",
    "EventType",
    "Reason",
    "Topic",
]
