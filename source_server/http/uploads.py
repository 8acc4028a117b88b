"""Exports over HTTP: POST /diff/TABLE sends the differences of the body, as ./run diff does with a file."""

from __future__ import annotations

import re
import shutil
import tempfile
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from cdp.http.problems import problem
from cdp.settings import Settings
from source_server.diff.columns import require_table
from source_server.diff.options import ExportOptions, make_options, parse_key, parse_renames
from source_server.diff.refusal import DiffRefused
from source_server.diff.run import DiffMode, compare_file
from source_server.http.problems import RequestRefused
from source_server.intake.mapping import Shape
from source_server.intake.refusal import FileRefused
from source_server.produce.producer import PRODUCER_ERRORS

#: A client should not wait as long as a person who watches a command.
PATIENCE_SECONDS = 20.0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FLAG = "true or false"
ALLOWED = {
    "key": "the file's columns of the key, separated by commas",
    "columns": "pairs of columns like THEIRS=OURS, separated by commas",
    "delimiter": "one character",
    "name": "a file name with its ending, such as orders.csv.gz",
    "dry_run": _FLAG,
    "allow_deletes": _FLAG,
    "resend": _FLAG,
}
NO_TOKEN = "exports are accepted only with a token; set CDP_SOURCE_TOKEN for the source server."

router = APIRouter(tags=["exports"])


class DiffQuery(BaseModel):
    """The parameters of an export. Unknown parameters are refused, so misspelt names are noticed."""

    model_config = ConfigDict(extra="forbid")
    key: str = Field("", description=ALLOWED["key"])
    columns: str = Field("", description=ALLOWED["columns"])
    delimiter: str | None = Field(None, pattern=r"^[!-~\t]$", description=ALLOWED["delimiter"])
    name: str = Field("", description=f"{ALLOWED['name']}; without it, TABLE.csv")
    dry_run: bool = Field(False, description="count the differences; send nothing")
    allow_deletes: bool = Field(False, description="also if more than a third of the rows is missing")
    resend: bool = Field(False, description="send all rows again")


_BODY = {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}


@router.post("/diff/{table}", openapi_extra={"requestBody": _BODY})
async def compare_upload(request: Request, table: str, query: Annotated[DiffQuery, Query()]) -> dict[str, Any]:
    """Compare the body, a whole export of the table, with the export before it, and send the differences. Answers with their
    counts when all of them are in Kafka.
    """
    settings: Settings = request.app.state.settings
    if not settings.source_token:
        raise RequestRefused(HTTPStatus.FORBIDDEN, NO_TOKEN)
    options, mode = _read_options(table, query), DiffMode(query.dry_run, query.allow_deletes, query.resend, PATIENCE_SECONDS)
    folder(settings).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder(settings)) as own:
        path = Path(own) / (query.name or f"{table}.csv")
        await _receive(request, path, settings.diff_upload_mb)
        report = await run_in_threadpool(partial(compare_file, settings, path, options, mode))
    return report.as_json()


def folder(settings: Settings) -> Path:
    return settings.state_dir / "source" / "uploads"


def remove_uploads(settings: Settings) -> None:
    """What a killed server has left."""
    shutil.rmtree(folder(settings), ignore_errors=True)


def _read_options(table: str, query: DiffQuery) -> ExportOptions:
    try:
        require_table(table)
    except FileRefused as error:
        raise RequestRefused(HTTPStatus.NOT_FOUND, str(error)) from None
    if query.name and not NAME.fullmatch(query.name):
        raise RequestRefused(HTTPStatus.BAD_REQUEST, f"name must be {ALLOWED['name']}, not {query.name[:100]!r}.")
    try:
        return make_options(table, parse_key(query.key), parse_renames(query.columns), Shape(delimiter=query.delimiter))
    except FileRefused as error:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, str(error)) from None


async def _receive(request: Request, path: Path, most_mb: int) -> None:
    """Write the body to the file as it arrives."""
    size = 0
    with path.open("wb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > most_mb << 20:
                detail = f"an export may have {most_mb:,} MB (CDP_DIFF_UPLOAD_MB); compress it, or use ./run diff."
                raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
            file.write(piece)


def answer_refusals(app: FastAPI) -> None:
    app.exception_handler(FileRefused)(lambda _, error: problem(422, str(error)))
    app.exception_handler(DiffRefused)(lambda _, error: problem(409, str(error)))
    for unavailable in PRODUCER_ERRORS:
        app.exception_handler(unavailable)(lambda _, error: problem(503, str(error)))
