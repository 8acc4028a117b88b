"""Lines of JSON: which are one object, what their fields' texts are. For lines sent as they came and for mapped ones."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from source_server.intake.block import Block, Kept
from source_server.intake.refusal import FileRefused
from source_server.intake.sql import literal
from source_server.intake.stream import MAX_LINE_BYTES

#: What DuckDB reads and Spark does not, or the other way round: NaN, a comma before a bracket, half a surrogate pair.
_DOUBTFUL = r"[:,\[]\s*-?([nN][aA][nN]|[iI][nN][fF])|,\s*[}\]]|\\u[dD][89a-fA-F]"
#: Numbers that a double might not give back digit by digit.
_LONG_NUMBER = r"[0-9]{8,}\.[0-9]|\.[0-9]{8,}|[0-9][eE]"


def lines_of(data: bytes, number: int, name: str) -> Block:
    """The lines that are not blank, without their ends."""
    texts, places = [], []
    for place, line in enumerate(data.split(b"\n")[:-1], start=number):
        if len(line) > MAX_LINE_BYTES:
            raise FileRefused(f"{name}: line {place:,} is longer than {MAX_LINE_BYTES:,} bytes.")
        if line and not line.isspace():
            texts.append(line.removesuffix(b"\r"))
            places.append(place)
    return Block(kept=Kept(pa.array(texts, pa.binary()), np.array(places, np.int64)))


def readable(lines: pa.Array, exact_numbers: bool = False) -> pa.Array:
    """The lines as text that DuckDB reads as the parser downstream does; null where that would not read one."""
    texts = _as_text(lines)
    pattern = f"{_DOUBTFUL}|{_LONG_NUMBER}" if exact_numbers else _DOUBTFUL
    doubtful = np.flatnonzero(pc.match_substring_regex(texts, pattern).fill_null(False).to_numpy(zero_copy_only=False))
    if not len(doubtful):
        return texts
    plain = pa.array([_plain(texts[place].as_py(), exact_numbers) for place in doubtful.tolist()], pa.string())
    places = np.arange(len(texts))
    places[doubtful] = len(texts) + np.arange(len(doubtful))
    return pa.concat_arrays([texts, plain]).take(pa.array(places))


def _as_text(lines: pa.Array) -> pa.Array:
    try:
        return lines.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_decoded(line) for line in lines.to_pylist()], pa.string())


def _decoded(line: bytes | None) -> str | None:
    try:
        return line.decode() if line is not None else None
    except UnicodeDecodeError:
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _plain(line: str, exact_numbers: bool) -> str | None:
    """The object read by the letter of the standard and written without anything doubtful."""
    try:
        found = json.loads(line, parse_constant=_refuse, parse_float=str if exact_numbers else None, object_pairs_hook=_first)
        written = json.dumps(found, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return written.encode("utf-8", "replace").decode()


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a key that comes twice the first counts."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def texts_of(column: str, paths: dict[str, str]) -> tuple[str, list[str]]:
    """SQL of a list of the texts at the paths of an object, and of each of its members under its name."""
    wanted = ", ".join(literal(path) for path in paths.values())
    listed = (
        f"CASE WHEN json_valid({column}) AND json_type({column}) = 'OBJECT' THEN json_extract_string({column}, [{wanted}]) END"
    )
    return listed, [f'listed[{place}] AS "{name}"' for place, name in enumerate(paths, start=1)]


def path_of(key: str) -> str:
    """A key, or a dotted path into nested objects, as DuckDB writes it."""
    return "$" + "".join(f'."{part}"' for part in key.replace('"', '\\"').split("."))
