"""Lines of JSON: which are one object, and the texts of their fields. Used for lines sent unchanged and for mapped ones."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from source_server.intake.block import Block, WholeLines
from source_server.intake.refusal import FileRefused
from source_server.intake.sql import literal
from source_server.intake.stream import MAX_LINE_BYTES

#: Texts that only one of DuckDB and Spark accepts: NaN, a comma before a bracket, half a surrogate pair.
_DOUBTFUL = r"[:,\[]\s*-?([nN][aA][nN]|[iI][nN][fF])|,\s*[}\]]|\\u[dD][89a-fA-F]"
#: Numbers that a double might not give back digit by digit.
_LONG_NUMBER = r"[0-9]{8,}\.[0-9]|\.[0-9]{8,}|[0-9][eE]"


def split_lines(data: bytes, number: int, name: str) -> Block:
    """All lines that are not blank, without their ends."""
    texts, places = [], []
    for place, line in enumerate(data.split(b"\n")[:-1], start=number):
        if len(line) > MAX_LINE_BYTES:
            raise FileRefused(f"{name}: line {place:,} is longer than {MAX_LINE_BYTES:,} bytes.")
        if line and not line.isspace():
            texts.append(line.removesuffix(b"\r"))
            places.append(place)
    return Block(whole_lines=WholeLines(pa.array(texts, pa.binary()), np.array(places, np.int64)))


def to_readable(lines: pa.Array, exact_numbers: bool = False) -> pa.Array:
    """The lines as text that DuckDB reads in the same way as the stream's parser; null if that parser would refuse the line."""
    texts = _as_text(lines)
    pattern = f"{_DOUBTFUL}|{_LONG_NUMBER}" if exact_numbers else _DOUBTFUL
    doubtful = np.flatnonzero(pc.match_substring_regex(texts, pattern).fill_null(False).to_numpy(zero_copy_only=False))
    if not len(doubtful):
        return texts
    plain = pa.array([_rewrite(texts[place].as_py(), exact_numbers) for place in doubtful.tolist()], pa.string())
    places = np.arange(len(texts))
    places[doubtful] = len(texts) + np.arange(len(doubtful))
    return pa.concat_arrays([texts, plain]).take(pa.array(places))


def _as_text(lines: pa.Array) -> pa.Array:
    try:
        return lines.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_decode(line) for line in lines.to_pylist()], pa.string())


def _decode(line: bytes | None) -> str | None:
    try:
        return line.decode() if line is not None else None
    except UnicodeDecodeError:
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _rewrite(line: str, exact_numbers: bool) -> str | None:
    """Parse the object strictly by the standard, and write it again without doubtful texts."""
    parse_float = str if exact_numbers else None
    try:
        value = json.loads(line, parse_constant=_refuse, parse_float=parse_float, object_pairs_hook=_keep_first)
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return text.encode("utf-8", "replace").decode()


def _keep_first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """If a key repeats, its first value counts."""
    values: dict[str, Any] = {}
    for key, value in pairs:
        values.setdefault(key, value)
    return values


def select_texts(column: str, paths: dict[str, str]) -> tuple[str, list[str]]:
    """SQL of a list of the texts at the paths of an object, and of each text of that list under its name."""
    path_list = ", ".join(literal(path) for path in paths.values())
    listed = (
        f"CASE WHEN json_valid({column}) AND json_type({column}) = 'OBJECT' THEN json_extract_string({column}, [{path_list}]) END"
    )
    return listed, [f'listed[{place}] AS "{name}"' for place, name in enumerate(paths, start=1)]


def path_of(key: str) -> str:
    """A key, or a dotted path into nested objects, as DuckDB writes it."""
    return "$" + "".join(f'."{part}"' for part in key.replace('"', '\\"').split("."))
