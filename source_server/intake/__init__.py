"""The importer: turns a shop's event file into the messages for Kafka, with an account of every row."""

from source_server.intake.account import FileAccount, Refusals
from source_server.intake.chunks import Chunk, judge_messages, read_chunks
from source_server.intake.kinds import derive_name, detect_format
from source_server.intake.mapping import Mapping
from source_server.intake.mapping_file import mapping_for
from source_server.intake.preview import Preview, make_preview
from source_server.intake.refusal import FileRefused, MappingError

__all__ = [
    "Chunk",
    "FileAccount",
    "FileRefused",
    "Mapping",
    "MappingError",
    "Preview",
    "Refusals",
    "derive_name",
    "detect_format",
    "judge_messages",
    "make_preview",
    "mapping_for",
    "read_chunks",
]
