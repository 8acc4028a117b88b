"""Which kind of file a name stands for, and the name of its data set."""

from __future__ import annotations

from pathlib import Path

from source_server.intake.mapping import Mapping
from source_server.intake.refusal import FileRefused
from source_server.intake.stream import PACKED, ZIP, file_in_zip

#: Ending of a name -> format, as a mapping calls it too.
ENDINGS = {".csv": "csv", ".tsv": "tsv", ".txt": "txt", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}
FORMATS = ("csv", "tsv", "txt", "ndjson", "parquet")
DELIMITERS = {"csv": ",", "tsv": "\t", "txt": "whitespace"}
_PACKED = (*PACKED, ZIP)


def name_of(path: Path) -> str:
    """The name of the data set: the file's name without its endings."""
    name = path.name
    for endings in (_PACKED, (*ENDINGS, ".dat", ".data")):
        name = name.removesuffix(path.with_name(name).suffix) if path.with_name(name).suffix in endings else name
    return name


def format_of(path: Path, mapping: Mapping) -> str:
    """What the mapping says, else what the ending says; a zip is what it holds."""
    if not path.is_file():
        raise FileRefused(f"{path} is not a file.")
    inner = Path(path.name)
    if path.suffix == ZIP:
        inner = Path(file_in_zip(path))
    elif path.suffix in PACKED:
        inner = Path(path.stem)
    found = mapping.shape.format or ENDINGS.get(inner.suffix)
    if found is None or (found == "parquet" and path.suffix in _PACKED):
        kinds, packed = ", ".join(ENDINGS), ", ".join(_PACKED)
        raise FileRefused(
            f"{path.name}: files end in {kinds}; all but parquet also with {packed}. "
            "Other endings need a mapping that says the format."
        )
    return found
