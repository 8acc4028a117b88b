"""Reads a file as blocks of whole lines in UTF-8, decompressed by its ending, with the number of each block's first line."""

from __future__ import annotations

import codecs
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from source_server.intake.refusal import FileRefused

BLOCK_BYTES = 3 << 20
MAX_LINE_BYTES = 256 << 10
SHOWN = 160  # characters of a decompressor's error
PACKED = {".gz": "gzip", ".zst": "zstd"}
ZIP = ".zip"
UTF8 = ("utf-8", "utf8", "utf-8-sig", "ascii")

#: Gets bytes, whether they are the file's last, and the number of their first line; returns how many bytes it used.
Split = Callable[[bytes, bool, int], int]


@dataclass(slots=True)
class TextFile:
    """An open file: `read` returns decompressed bytes, `fraction` how much of the compressed file was read."""

    unpacked: Any
    packed: IO[bytes]
    size: int

    def read(self) -> bytes:
        return bytes(self.unpacked.read(BLOCK_BYTES))

    @property
    def fraction(self) -> float:
        return min(1.0, self.packed.tell() / self.size) if self.size else 1.0


@contextmanager
def open_file(path: Path) -> Iterator[TextFile]:
    with path.open("rb") as packed:
        unpacked: Any = packed
        if path.suffix == ZIP:
            unpacked = _in_zip(path, packed)
        elif path.suffix in PACKED:
            unpacked = pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), PACKED[path.suffix])
        yield TextFile(unpacked, packed, path.stat().st_size)


def file_in_zip(path: Path) -> str:
    """The name of the only file in a zip."""
    with path.open("rb") as packed:
        return _only_entry(path, packed)[1].filename


def _in_zip(path: Path, packed: IO[bytes]) -> IO[bytes]:
    archive, entry = _only_entry(path, packed)
    try:
        return archive.open(entry)
    except RuntimeError as error:  # a password
        raise FileRefused(f"{path.name} can't be read: {error}") from error


def _only_entry(path: Path, packed: IO[bytes]) -> tuple[zipfile.ZipFile, zipfile.ZipInfo]:
    try:
        archive = zipfile.ZipFile(packed)
    except zipfile.BadZipFile as error:
        raise FileRefused(f"{path.name} is not a complete zip file ({error}); it may be truncated, copy it again.") from error
    files = [entry for entry in archive.infolist() if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")]
    if len(files) != 1:
        names = ", ".join(entry.filename for entry in files) or "none"
        raise FileRefused(f"{path.name} must contain exactly one file but contains {names}; unpack it and load them one by one.")
    return archive, files[0]


def blocks(path: Path, encoding: str = "utf-8") -> Iterator[tuple[bytes, bool, float]]:
    """Pieces of UTF-8, whether each is the last, and the fraction of the file read. A byte order mark is removed.

    A byte that is invalid in the encoding becomes a byte that is invalid in UTF-8, so its row is found later.
    """
    lines = 0
    decode = _make_decoder(encoding)
    with open_file(path) as file:
        first, data = True, b""
        while True:
            try:
                read = file.read()
                text = decode(read, not read)
            except FileRefused:
                raise
            except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
                reason = str(error).splitlines()[0][:SHOWN] if str(error) else type(error).__name__
                raise FileRefused(f"{path.name} can't be read after line {lines:,}: {reason}; copy the file again.") from error
            if first:
                text, first = text.removeprefix(codecs.BOM_UTF8), False
            lines += text.count(b"\n")
            if data or not read:
                yield data, not read, file.fraction if read else 1.0
            if not read:
                return
            data = text


def _make_decoder(encoding: str) -> Callable[[bytes, bool], bytes]:
    if encoding.lower() in UTF8:
        return lambda data, final: data
    decoder = codecs.getincrementaldecoder(encoding)("strict" if "16" in encoding or "32" in encoding else "surrogateescape")
    return lambda data, final: decoder.decode(data, final).encode("utf-8", "surrogateescape")


def split_blocks(path: Path, encoding: str, split: Split) -> Iterator[float]:
    """Call `split` with pieces of whole lines; bytes it does not use are put before the next piece. Yields the fraction read.

    The last line gets a line end if it has none.
    """
    rest, number = b"", 1
    for data, last, fraction in blocks(path, encoding):
        data = rest + data
        if last and data and not data.endswith(b"\n"):
            data += b"\n"
        whole = data.rfind(b"\n") + 1
        if len(data) - whole > MAX_LINE_BYTES:
            place = number + data.count(b"\n", 0, whole)
            raise FileRefused(f"{path.name}: line {place:,} is longer than {MAX_LINE_BYTES:,} bytes; is it a file of lines?")
        used = split(data[:whole], last, number) if whole else 0
        number += data.count(b"\n", 0, used)
        rest = data[used:]
        yield fraction
