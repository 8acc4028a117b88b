"""Messages of Kafka as text for a terminal: JSON with indentation, a change of a database row in one line."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import orjson
from confluent_kafka import Message

from cdp.events.envelope import describe_change, is_change

INDENT = "  "


def format_message(message: Message, raw: bool) -> str:
    """A line with place, time and key, and the value below it. `raw` shows changes whole."""
    place = f"{format_time(message)}  partition {message.partition()}  offset {message.offset():,}"
    key = _to_bytes(message.key())
    head = f"{place}  key {_make_printable(_decode(key))}" if key is not None else f"{place}  no key"
    value = _to_bytes(message.value())
    lines = ["no value: the key was deleted"] if value is None else _format_value(value, raw)
    return "\n".join([head, *(INDENT + _make_printable(line) for line in lines)])


def _format_value(value: bytes, raw: bool) -> list[str]:
    try:
        document = json.loads(value)
    except ValueError:
        return _decode(value).splitlines()
    if not raw and is_change(document):
        return [describe_change(document)]
    return json.dumps(document, indent=2, ensure_ascii=False).splitlines()


def format_json(message: Message) -> str:
    """One line. Key and value keep their text if it is JSON; numbers are not rounded."""
    line = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "time": format_time(message),
        "key": _to_fragment(_to_bytes(message.key())),
        "value": _to_fragment(_to_bytes(message.value())),
    }
    return orjson.dumps(line).decode()


def _to_fragment(data: bytes | None) -> orjson.Fragment | str | None:
    if data is None:
        return None
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return _decode(data)
    return orjson.Fragment(data.replace(b"\n", b" ").replace(b"\r", b" "))  # line ends are only between values


def format_time(message: Message) -> str:
    milliseconds = message.timestamp()[1]
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03}Z"


def _to_bytes(data: str | bytes | None) -> bytes | None:
    return data.encode() if isinstance(data, str) else data


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _make_printable(text: str) -> str:
    """A message may hold characters that would control the terminal."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
