"""Derives the format of a file and the name of its data set from the file's name."""

from __future__ import annotations

from pathlib import Path

from source_server.intake.mapping import Mapping
from source_server.intake.refusal import FileRefused
from source_server.intake.stream import PACKED, ZIP, file_in_zip

#: Ending -> format, with the names that mappings use.
ENDINGS = {".csv": "csv", ".tsv": "tsv", ".txt": "txt", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}
FORMATS = ("csv", "tsv", "txt", "ndjson", "parquet")
DELIMITERS = {"csv": ",", "tsv": "\t", "txt": "whitespace"}
_PACKED = (*PACKED, ZIP)


def derive_name(path: Path) -> str:
    """The name of the data set: the file's name without its endings."""
    name = path.name
    for endings in (_PACKED, (*ENDINGS, ".dat", ".data")):
        name = name.removesuffix(path.with_name(name).suffix) if path.with_name(name).suffix in endings else name
    return name


def detect_format(path: Path, mapping: Mapping) -> str:
    """The mapping's format, or else that of the file's ending; for a zip, of the file inside."""
    if not path.is_file():
        raise FileRefused(f"{path} is not a file.")
    inner = Path(path.name)
    if path.suffix == ZIP:
        inner = Path(file_in_zip(path))
    elif path.suffix in PACKED:
        inner = Path(path.stem)
    name = mapping.shape.format or ENDINGS.get(inner.suffix)
    if name is None or (name == "parquet" and path.suffix in _PACKED):
        kinds, packed = ", ".join(ENDINGS), ", ".join(_PACKED)
        raise FileRefused(
            f"{path.name}: files end in {kinds}; all but parquet also with {packed}. "
            "Other endings need a mapping that says the format."
        )
    return name
