"""The importer's inside: any shop's event file becomes the messages that go to Kafka, with an account of every row."""

from source_server.intake.account import Account, Refusals
from source_server.intake.chunks import Chunk, chunks, judged
from source_server.intake.kinds import format_of, name_of
from source_server.intake.mapping import Mapping
from source_server.intake.mapping_file import mapping_for
from source_server.intake.preview import Preview, preview
from source_server.intake.refusal import FileRefused, MappingError

__all__ = [
    "Account",
    "Chunk",
    "FileRefused",
    "Mapping",
    "MappingError",
    "Preview",
    "Refusals",
    "chunks",
    "format_of",
    "judged",
    "mapping_for",
    "name_of",
    "preview",
]
