"""From the bytes of a message to the texts of its fields, and to the JSON of its unknown fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp.events import FIELD_NAMES
from cdp.events.reading.sql import literal

#: What DuckDB's reader accepts and the standard does not, outside of texts: NaN, infinity, a comma before a bracket.
_NOT_STANDARD = r"[:,\[]\s*-?([nN][aA][nN]|[iI][nN][fF])|,\s*[}\]]"
#: Half of a pair of escapes: DuckDB refuses the message. Letters such as 😀 may be sent as a whole pair.
_HALF = r"\\u[dD][89a-fA-F]"
_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPED_BACKSLASH = r"\\\\"
_TEXT = r'"(?:[^"\\]|\\[\s\S])*"'
_BRACKETS = r"[{}\[\]]"
#: Jackson, which reads JSON for Spark and many others, refuses more levels.
MAX_DEPTH = 1_000
_BACKSLASH = ord("\\")


def to_json_texts(values: pa.Array) -> pa.Array:
    """The values as texts that DuckDB reads by the standard; null for a value that is certainly not JSON in UTF-8."""
    texts = _decode_all(values)
    texts = _change(texts, pc.match_substring_regex(texts, f"{_NOT_STANDARD}|{_HALF}"), _make_standard)
    return _change(texts, pc.greater(pc.binary_length(texts), 2 * MAX_DEPTH), _refuse_deep)


def _change(texts: pa.Array, which: pa.Array, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    which = which.fill_null(False)
    return pc.replace_with_mask(texts, which, change(texts.filter(which))) if pc.any(which).as_py() else texts


def _make_standard(texts: pa.Array) -> pa.Array:
    """Texts that may not follow the standard: null if they do not; half of a pair of escapes becomes a question mark."""
    bare = pc.replace_substring_regex(texts, _TEXT, '""')
    texts = pc.if_else(pc.match_substring_regex(bare, _NOT_STANDARD), None, texts)
    whole = pc.replace_substring_regex(texts, f"{_ESCAPED_BACKSLASH}|{_PAIR}", "")
    return _change(texts, pc.match_substring_regex(whole, _HALF), _replace_halves)


def _replace_halves(texts: pa.Array) -> pa.Array:
    pattern = re.compile(f"({_ESCAPED_BACKSLASH}|{_PAIR})|{_HALF}[0-9a-fA-F]{{2}}")
    return pa.array([pattern.sub(lambda match: match[1] or r"\u003f", text) for text in texts.to_pylist()], pa.string())


def _refuse_deep(texts: pa.Array) -> pa.Array:
    """Long texts; null if they may be nested too deeply for other readers."""
    opening = pc.count_substring_regex(texts, r"[{\[]")
    return _change(texts, pc.greater(opening, MAX_DEPTH), _measure_depth)


def _measure_depth(texts: pa.Array) -> pa.Array:
    kept = []
    for text in texts.to_pylist():
        brackets = re.findall(_BRACKETS, re.sub(_TEXT, "", text))
        depths = accumulate(1 if bracket in "{[" else -1 for bracket in brackets)
        kept.append(text if max(depths, default=0) <= MAX_DEPTH else None)
    return pa.array(kept, pa.string())


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


def select_fields(source: str, kept: str) -> str:
    """The texts of the contract's fields, with what a frame says of them: `is_object` and `has_escapes`."""
    return select_texts(source, FIELD_PATHS, f"{kept}, listed IS NOT NULL AS is_object, contains(j, '\\') AS has_escapes")


def path_of(key: str) -> str:
    """A key, or a dotted path into nested objects, as DuckDB writes it."""
    return "$" + "".join(f'."{part}"' for part in key.replace('"', '\\"').split("."))


#: Field -> its path.
FIELD_PATHS = {name: path_of(name) for name in FIELD_NAMES}

_KNOWN = ", ".join(map(literal, FIELD_NAMES))
_NO_KNOWN = literal(json.dumps(dict.fromkeys(FIELD_NAMES)))
_GIVEN = " + ".join(f"(listed[{place}] IS NOT NULL)::INT" for place in range(1, len(FIELD_NAMES) + 1))
_UNKNOWN = f"list_filter(json_keys(j), lambda key: key NOT IN ({_KNOWN}))"
_FIRST = "list_filter(keys, lambda key, place: list_position(keys, key) = place)"
_POINTER = "'/' || replace(replace(key, '~', '~0'), '/', '~1')"
_MEMBERS = f"list_transform({_FIRST}, lambda key: concat(to_json(key), ':', json_extract(j, {_POINTER})))"
#: SQL of the unknown fields as one JSON object, null if there are none. A message with as many keys as texts has none: counting
#: is cheaper than comparing names. Leaving out the known fields is cheaper than putting the unknown ones together.
EXTRA = f"""
    CASE WHEN listed IS NULL OR len(json_keys(j)) = {_GIVEN} THEN NULL
         ELSE list_transform([{_UNKNOWN}], lambda keys:
              CASE WHEN len(keys) = 0 THEN NULL
                   WHEN len(keys) = list_unique(keys) THEN json_merge_patch(j, {_NO_KNOWN})::VARCHAR
                   ELSE concat('{{', array_to_string({_MEMBERS}, ','), '}}') END)[1] END"""


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
