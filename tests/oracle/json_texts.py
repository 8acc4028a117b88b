"""Reads a JSON object in plain Python, and writes each value as the text that it counts as."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from math import isinf
from typing import Any, NoReturn

#: The most levels of a message.
MAX_DEPTH = 1000
FLOAT = re.compile(r"(-?)(\d)(?:\.(\d+))?e([+-]\d+)")
#: Only what JSON can't hold unescaped is escaped.
ESCAPES = {code: f"\\u{code:04X}" for code in range(0x20)} | str.maketrans(
    {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number, as the text that it counts as."""

    text: str


class Pairs(list[tuple[str, Any]]):
    """A JSON object: its keys and values in their order. A key may repeat."""


@contextmanager
def allow_depth() -> Iterator[None]:
    """A level of a message takes a few levels of Python. The code under test keeps Python's own limit."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 5 * MAX_DEPTH)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def parse_object(value: bytes) -> Pairs | None:
    """None unless the bytes are exactly one JSON object in UTF-8."""
    try:
        text = value.decode("utf-8")
        content = json.loads(
            text, object_pairs_hook=Pairs, parse_int=_parse_whole, parse_float=_parse_float, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):  # also of the encoding
        return None
    return mend_surrogates(content) if isinstance(content, Pairs) and count_levels(content) <= MAX_DEPTH else None


def count_levels(content: Any) -> int:
    """The levels of objects and lists."""
    if isinstance(content, Pairs):
        return 1 + max((count_levels(value) for _, value in content), default=0)
    return 1 + max(map(count_levels, content), default=0) if isinstance(content, list) else 0


def mend_surrogates(content: Any) -> Any:
    """Half a surrogate pair is no character of any text: it becomes a question mark."""
    if isinstance(content, str):
        return re.sub("[\ud800-\udfff]", "?", content)
    if isinstance(content, Pairs):
        return Pairs((mend_surrogates(key), mend_surrogates(value)) for key, value in content)
    return [mend_surrogates(each) for each in content] if isinstance(content, list) else content


def _parse_whole(text: str) -> Number:
    return Number("0" if text == "-0" else text)


def _parse_float(text: str) -> Number:
    """The shortest text of the 64-bit float, with an exponent only if it is very small or large. A number beyond all floats is
    unchanged."""
    number = float(text)
    if isinf(number):
        return Number(text)
    sign, first, digits, exponent = FLOAT.fullmatch(_write_shortest(number)).groups(default="")  # type: ignore[union-attr]
    if -7 < int(exponent) < 21:
        plain = f"{Decimal(repr(number)):f}"
        return Number(plain if "." in plain else plain + ".0")
    return Number(f"{sign}{first}{'.' * bool(digits)}{digits}e{int(exponent)}")


def _write_shortest(number: float) -> str:
    """`repr`, always with an exponent."""
    return f"{Decimal(repr(number)).normalize():e}"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


def find_text(pairs: Pairs, name: str, has_escapes: bool) -> str | None:
    content = next((value for key, value in pairs if key == name), None)
    if content is None:
        return None
    text = content if isinstance(content, str) else _write_compact(content)
    if has_escapes:
        text = re.sub(r"[\x00-\x20\x7f]+", " ", text)
    return text.strip(" ") or None


def _write_compact(content: Any) -> str:
    if isinstance(content, Number):
        return content.text
    if isinstance(content, Pairs):
        return "{" + ",".join(f"{_write_compact(key)}:{_write_compact(value)}" for key, value in content) + "}"
    if isinstance(content, list):
        return "[" + ",".join(map(_write_compact, content)) + "]"
    return f'"{content.translate(ESCAPES)}"' if isinstance(content, str) else json.dumps(content)
