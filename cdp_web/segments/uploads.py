"""Reads uploaded ids, line by line: one id per line, ids separated by commas or tabs, or one column of a CSV file. It stores
nothing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, Protocol

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from cdp_web.layout.spreadsheets import unescape_formula
from cdp_web.segments.models import ListMember

MAX_BYTES = 20 * 1024 * 1024
#: Lines, and ids in them: more would take longer than a request may.
MAX_ROWS = 1_000_000
#: A line is read whole, so its length has a limit of its own.
MAX_LINE_BYTES = 2 * 1024 * 1024
MAX_ID: int = ListMember._meta.get_field("customer_id").max_length
#: Headings of the column with the ids, best first.
ID_COLUMNS = ("customer_id", "user_id", "id")
SHOWN_CHARACTERS = 60
_BOM = b"\xef\xbb\xbf"
_DELIMITERS = ("\t", ",", ";")
#: Control characters, line separators, and halves of surrogate pairs, which UTF-8 does not have.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class UploadInvalid(ValueError):
    """The upload can't be read; the message names the line."""

    code = "upload_invalid"

    def __init__(self, says: str, line: int | None = None) -> None:
        super().__init__(says)
        self.line = line


class UploadTooLarge(UploadInvalid):
    code = "too_large"

    def __init__(self) -> None:
        super().__init__(
            _("The upload is larger than %(most)s MB. Upload only the column with the ids.") % {"most": MAX_BYTES // 1024**2}
        )


class ByteStream(Protocol):
    def readline(self, size: int, /) -> bytes: ...


class Row(NamedTuple):
    """One id of an upload with the line that it is on. An id with a problem is refused."""

    line: int
    customer_id: str
    problem: str = ""

    @property
    def shown(self) -> str:
        """The start of the id for a report."""
        return _clean(self.customer_id)[:SHOWN_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Upload:
    """The rows of an upload; they can be read once."""

    rows: Iterable[Row]
    #: The heading of the column that the ids come from; empty without a heading.
    column: str = ""


def read_stream(stream: ByteStream, *, is_table: bool = False) -> Upload:
    """`is_table` is true for CSV: of several columns, the first one then contains the ids if no heading says otherwise."""
    lines = _read_lines(stream)
    blank: list[str] = []
    for first in lines:
        if first.strip():
            return _read_from(first, chain(blank, [first], lines), is_table)
        blank.append("\n")
    return Upload(())


def read_text(text: str) -> Upload:
    """Ids that were pasted into a form."""
    return read_stream(io.BytesIO(text.encode("utf-8", "replace")))


def read_items(items: Sequence[object]) -> Upload:
    """Ids of a JSON list; the line of an id is its number in the list."""
    return Upload(_check_item(number, item) for number, item in enumerate(items, 1))


def _read_lines(stream: ByteStream) -> Iterator[str]:
    number = size = 0
    while block := stream.readline(MAX_LINE_BYTES + 1):
        size += len(block)
        if size > MAX_BYTES:
            raise UploadTooLarge
        if len(block) > MAX_LINE_BYTES:
            raise UploadInvalid(
                _("Line %(line)s is longer than %(most)s MB. Write one id per line.")
                % {"line": number + 1, "most": MAX_LINE_BYTES // 1024**2},
                number + 1,
            )
        for raw in block.splitlines(keepends=True):
            number += 1
            _refuse_too_many_rows(number)
            yield _decode_line(raw.removeprefix(_BOM) if number == 1 else raw, number)


def _refuse_too_many_rows(count: int) -> None:
    if count > MAX_ROWS:
        raise UploadInvalid(_("The upload has more than %(most)s rows. Split it into several lists.") % {"most": f"{MAX_ROWS:,}"})


def _decode_line(raw: bytes, number: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UploadInvalid(
            _("Line %(number)s is not UTF-8. Save the file as UTF-8 and upload it again.") % {"number": number}, number
        ) from None


def _read_from(first: str, lines: Iterable[str], is_table: bool) -> Upload:
    """Choose the form of the upload by its first line that is not blank."""
    for delimiter in _DELIMITERS:
        headings = [cell.strip().lower() for cell in _split_line(first, delimiter)]
        for name in ID_COLUMNS:
            if name in headings:
                return Upload(_read_column(lines, delimiter, headings.index(name), has_heading=True), name)
    delimiter = next((each for each in _DELIMITERS if each in first), ",")
    cells = _split_line(first, delimiter)
    if not is_table or len(cells) < 2:
        return Upload(_read_cells(lines))
    # A heading is a word; a number in its place is an id.
    has_heading = not cells[0].strip().isdigit()
    column = _clean(cells[0].strip())[:SHOWN_CHARACTERS] if has_heading else ""
    return Upload(_read_column(lines, delimiter, 0, has_heading=has_heading), column)


def _split_line(line: str, delimiter: str) -> list[str]:
    """The cells of a first line; a problem of it is reported when the rows are read."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line]


def _read_cells(lines: Iterable[str]) -> Iterator[Row]:
    """Every cell is an id."""
    count = 0
    for line, cells in _parse_csv(lines, ","):
        texts = [text for cell in cells for part in cell.split("\t") if (text := part.strip())]
        count += len(texts)
        _refuse_too_many_rows(count)
        yield from (_check(line, text) for text in texts)


def _read_column(lines: Iterable[str], delimiter: str, place: int, *, has_heading: bool) -> Iterator[Row]:
    rows = ((line, cells) for line, cells in _parse_csv(lines, delimiter) if any(map(str.strip, cells)))
    if has_heading:
        next(rows, None)
    for line, cells in rows:
        text = cells[place].strip() if place < len(cells) else ""
        yield _check(line, unescape_formula(text)) if text else Row(line, "", noop("has no id"))


def _parse_csv(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line on which each begins: a cell in quotes may have several lines."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UploadInvalid(_("Line %(line)s is not valid CSV: %(error)s.") % {"line": line, "error": error}, line) from None


def _clean(text: str) -> str:
    """Postgres stores no forbidden character in a report."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _check_item(number: int, item: object) -> Row:
    if isinstance(item, bool) or not isinstance(item, str | int):
        raise UploadInvalid(f"Item {number} of the ids is neither a text nor a whole number.", number)
    text = str(item).strip()
    return _check(number, text) if text else Row(number, "", noop("has no id"))


def _check(line: int, customer_id: str) -> Row:
    if len(customer_id) > MAX_ID:
        return Row(line, customer_id, noop("is longer than 500 characters"))
    if _FORBIDDEN.search(customer_id):
        return Row(line, customer_id, noop("contains a control character"))
    return Row(line, customer_id)
