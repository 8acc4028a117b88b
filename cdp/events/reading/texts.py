"""From the bytes of a message to the texts of its fields, and to the JSON of its unknown fields."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.events import FIELD_NAMES
from cdp.events.reading.sql import literal

#: Texts that DuckDB reads and the standard refuses (NaN, a comma before a bracket), and half a surrogate pair, which it refuses.
_DOUBTFUL = r"[:,\[]\s*-?([nN][aA][nN]|[iI][nN][fF])|,\s*[}\]]|\\u[dD][89a-fA-F]"
_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_BACKSLASH = ord("\\")


def to_json_texts(values: pa.Array) -> pa.Array:
    """The values as texts that DuckDB reads by the standard; null for a value that is certainly not JSON in UTF-8."""
    texts = _decode_all(values)
    doubtful = pc.match_substring_regex(texts, _DOUBTFUL).fill_null(False)
    if not pc.any(doubtful).as_py():
        return texts
    # Whole pairs are the escapes of letters such as 😀, which many senders write so.
    candidates = texts.filter(doubtful)
    rest = pc.match_substring_regex(pc.replace_substring_regex(candidates, _PAIR, ""), _DOUBTFUL)
    places = np.flatnonzero(doubtful.to_numpy(zero_copy_only=False))[rest.to_numpy(zero_copy_only=False)]
    mask = np.zeros(len(texts), np.bool_)
    mask[places] = True
    rewritten = [_rewrite(text) for text in texts.filter(pa.array(mask)).to_pylist()]
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(rewritten, pa.string()))


def have_escapes(texts: pa.Array) -> bool:
    """Whether any of the texts has an escape. Searching all bytes at once is nearly free."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return False
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return bool((np.frombuffer(data, np.uint8)[ends[0] : ends[-1]] == _BACKSLASH).any())


def select_texts(source: str, paths: Mapping[str, str], kept: str) -> str:
    """A query over JSON texts, the column `j` of the source: the text at each path, and the kept expressions. They may use
    `listed`, the list of these texts, which is null unless the message is one object."""
    path_list = ", ".join(literal(path) for path in paths.values())
    # Valid JSON that starts with a bracket of an object is one object.
    is_object = "json_valid(j) AND starts_with(ltrim(j, ' \t\r\n'), '{')"
    members = ", ".join(f'listed[{place}] AS "{name}"' for place, name in enumerate(paths, start=1))
    return f"""
        SELECT {members}, {kept}
        FROM (SELECT *, CASE WHEN {is_object} THEN json_extract_string(j, [{path_list}]) END AS listed FROM {source})"""


def path_of(key: str) -> str:
    """A key, or a dotted path into nested objects, as DuckDB writes it."""
    return "$" + "".join(f'."{part}"' for part in key.replace('"', '\\"').split("."))


#: Field -> its path.
FIELD_PATHS = {name: path_of(name) for name in FIELD_NAMES}

_KNOWN = ", ".join(map(literal, FIELD_NAMES))
_WITHOUT_KNOWN = literal(json.dumps(dict.fromkeys(FIELD_NAMES)))
_GIVEN = " + ".join(f"(listed[{place}] IS NOT NULL)::INT" for place in range(1, len(FIELD_NAMES) + 1))
#: SQL of the unknown fields as one JSON object, null if there are none. A message with as many keys as texts has none, and
#: counting is cheaper than comparing names.
EXTRA = f"""
    CASE WHEN listed IS NULL OR len(json_keys(j)) = {_GIVEN} THEN NULL
         ELSE list_transform([list_filter(json_keys(j), lambda key: key NOT IN ({_KNOWN}))], lambda keys:
              CASE WHEN len(keys) = 0 THEN NULL
                   WHEN list_unique(keys) < len(keys) THEN json_merge_patch(drop_repeated_keys(j), {_WITHOUT_KNOWN})::VARCHAR
                   ELSE json_merge_patch(j, {_WITHOUT_KNOWN})::VARCHAR END)[1]
    END"""


def drop_repeated_keys(text: str) -> str:
    """The object without the later values of a key. The text is known to be one JSON object."""
    return _rewrite(text) or text


def _decode_all(values: pa.Array) -> pa.Array:
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_decode(value) for value in values.to_pylist()], pa.string())


def _decode(value: bytes | None) -> str | None:
    try:
        return value.decode() if value is not None else None
    except UnicodeDecodeError:
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _rewrite(text: str) -> str | None:
    """Read the object strictly by the standard, and write it again without doubtful texts."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_read_fraction, object_pairs_hook=_keep_first)
        written = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return written.encode("utf-8", "replace").decode()


def _keep_first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """If a key repeats, its first value counts."""
    values: dict[str, Any] = {}
    for key, value in pairs:
        values.setdefault(key, value)
    return values


def _read_fraction(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text
