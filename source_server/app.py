"""The HTTP source: data sets, and their events a page of NDJSON at a time. Reads only; files come in through ./run load."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.middleware.gzip import GZipMiddleware
from pydantic import BaseModel, ConfigDict

from cdp.settings import Settings, current
from source_server import store
from source_server.access import TokenRequired
from source_server.cursor import Cursor, CursorUnreadable, cursor_from_text
from source_server.problems import Refused, answer_with_problems

MAX_LIMIT = 50_000
DEFAULT_LIMIT = 10_000
ALLOWED = {
    "limit": f"a whole number from 1 to {MAX_LIMIT}",
    "cursor": "what an earlier page of this data set gave as X-Next-Cursor, or absent",
}
NEXT_CURSOR, END_OF_DATA = "X-Next-Cursor", "X-End-Of-Data"
NDJSON = "application/x-ndjson"

router = APIRouter()


class PageQuery(BaseModel):
    """What can be asked of a page; anything else is refused, so that a misspelt name is noticed."""

    model_config = ConfigDict(extra="forbid")
    cursor: str | None = None
    limit: int = Query(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)


def create_app(settings: Settings) -> FastAPI:
    """The app over one stack's data sets. Its documentation pages would load from elsewhere; /openapi.json stays."""
    app = FastAPI(title="Source server", version="1", docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.include_router(router)
    app.add_middleware(TokenRequired, token=settings.source_token)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    answer_with_problems(app, ALLOWED)
    return app


@router.get("/health")
def health(request: Request) -> dict[str, Any]:
    """Answers when the server is up and its data sets can be read."""
    return {"status": "ok", "datasets": len(store.datasets(_settings(request)))}


@router.get("/datasets")
def list_datasets(request: Request) -> list[dict[str, Any]]:
    """All data sets, by name."""
    return [asdict(dataset) for dataset in store.datasets(_settings(request))]


@router.get("/datasets/{name}")
def show_dataset(request: Request, name: str) -> dict[str, Any]:
    return asdict(store.dataset(_settings(request), name))


@router.get("/datasets/{name}/events", response_class=Response)
def list_events(request: Request, name: str, query: Annotated[PageQuery, Query()]) -> Response:
    """A page of events as NDJSON, in the order of the file. X-Next-Cursor is the place after it, X-End-Of-Data says
    whether that is the end.
    """
    settings = _settings(request)
    dataset = store.dataset(settings, name)
    page = store.page(settings, dataset, _row(query.cursor, dataset), query.limit)
    following = str(Cursor(dataset.content_id, page.next_row))
    ended = page.next_row >= dataset.rows
    headers = {NEXT_CURSOR: following, END_OF_DATA: "true" if ended else "false"}
    if not ended:
        headers["Link"] = f'<{request.url.path}?cursor={following}&limit={query.limit}>; rel="next"'
    return Response(b"".join(line + b"\n" for line in page.lines), media_type=NDJSON, headers=headers)


def _row(cursor: str | None, dataset: store.Dataset) -> int:
    """The row that a cursor points at, if it points into this data set as it is now."""
    if cursor is None:
        return 0
    try:
        place = cursor_from_text(cursor)
    except CursorUnreadable:
        raise Refused(HTTPStatus.BAD_REQUEST, f"cursor must be {ALLOWED['cursor']}, not {cursor[:100]!r}.") from None
    if place.content_id != dataset.content_id:
        detail = f"the cursor belongs to other content than {dataset.name!r} has now; begin again without a cursor."
        raise Refused(HTTPStatus.CONFLICT, detail)
    if place.row > dataset.rows:
        raise Refused(HTTPStatus.BAD_REQUEST, f"the cursor points at row {place.row}; {dataset.name!r} has {dataset.rows} rows.")
    return place.row


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


app = create_app(current())
