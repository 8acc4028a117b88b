"""Kafka topics: name, key, and what their settings come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    key: str
    about: str


EVENTS_RAW = Topic("events.raw", "user_id", "shop events as they came, one JSON object a message")
PROBE = Topic("cdp.probe", "", "round trips of the health check")

TOPICS = (EVENTS_RAW, PROBE)
