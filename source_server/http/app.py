"""The HTTP source: data sets, and their events in pages of NDJSON. ./run load adds files. It also takes exports of tables
(uploads.py)."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from cdp.events.fields import CONTRACT_VERSION
from cdp.settings import Settings, current
from source_server.http import pages, uploads
from source_server.http.access import require_token
from source_server.http.cursor import Cursor, CursorUnreadable, cursor_from_text
from source_server.http.description import describe
from source_server.http.problems import RequestRefused, answer_with_problems
from source_server.intake import store

MAX_LIMIT = 50_000
DEFAULT_LIMIT = 10_000
ALLOWED = {
    "limit": f"a whole number from 1 to {MAX_LIMIT}",
    "cursor": "the X-Next-Cursor of an earlier page of this data set, or absent",
    "row": "a whole number from 0",
}
NEXT_CURSOR, END_OF_DATA = "X-Next-Cursor", "X-End-Of-Data"
FIRST_TIME, LAST_TIME = "X-First-Time", "X-Last-Time"
NDJSON = "application/x-ndjson"

router = APIRouter(tags=["source"])
Row = Annotated[int, Path(ge=0, description="the row's number in the data set, from 0")]


class PageQuery(BaseModel):
    """The parameters of a page. Unknown parameters are refused, so misspelt names are noticed."""

    model_config = ConfigDict(extra="forbid")
    cursor: str | None = Query(None, description="where to continue: the X-Next-Cursor of the previous page")
    limit: int = Query(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="the largest number of rows in the page")


def create_app(settings: Settings) -> FastAPI:
    """The app for one stack's data sets."""
    app = FastAPI(title="Source server", version=str(CONTRACT_VERSION), docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.include_router(router)
    app.include_router(uploads.router)
    describe(app)
    require_token(app, settings.source_token)
    answer_with_problems(app, lambda request: uploads.ALLOWED if request.method == "POST" else ALLOWED)
    uploads.answer_refusals(app)
    return app


@router.get("/health")
def health(request: Request) -> dict[str, Any]:
    """Answers when the server is up and its data sets can be read."""
    return {"status": "ok", "datasets": len(store.list_datasets(_settings(request)))}


@router.get("/datasets")
def list_datasets(request: Request) -> Response:
    """All data sets, sorted by name: rows, times, and what became of the rows of the file."""
    return JSONResponse([_as_json(dataset) for dataset in store.list_datasets(_settings(request))])


@router.get("/datasets/{name}")
def show_dataset(request: Request, name: str) -> Response:
    """One data set: rows, times, and what became of the rows of the file."""
    return JSONResponse(_as_json(store.get_dataset(_settings(request), name)))


@router.get("/datasets/{name}/events", response_class=Response)
def list_events(request: Request, name: str, query: Annotated[PageQuery, Query()]) -> Response:
    """A page of events as NDJSON, in the order of the file. X-Next-Cursor continues after the page, X-End-Of-Data says whether
    the data set ends there, and X-First-Time and X-Last-Time are the least and greatest time in the page.
    """
    settings = _settings(request)
    dataset = store.get_dataset(settings, name)
    page = pages.page(settings, dataset, _find_row(query.cursor, dataset), query.limit)
    return Response(page.body, headers=_page_headers(request, dataset, page), media_type=NDJSON)


@router.get("/datasets/{name}/events/{row}", response_class=Response)
def show_event(request: Request, name: str, row: Row) -> Response:
    """One event, by its row number."""
    settings = _settings(request)
    dataset = store.get_dataset(settings, name)
    if row >= dataset.rows:
        raise RequestRefused(HTTPStatus.NOT_FOUND, f"there is no row {row}; {name!r} has the rows 0 to {dataset.rows - 1}.")
    return Response(pages.page(settings, dataset, row, 1).body, media_type=NDJSON)


def _page_headers(request: Request, dataset: store.Dataset, page: pages.Page) -> dict[str, str]:
    following = str(Cursor(dataset.content_id, page.next_row))
    ended = page.next_row >= dataset.rows
    headers = {NEXT_CURSOR: following, END_OF_DATA: "true" if ended else "false"}
    if page.first_time and page.last_time:
        headers |= {FIRST_TIME: page.first_time.isoformat(), LAST_TIME: page.last_time.isoformat()}
    if not ended:
        headers["Link"] = f'<{request.url.include_query_params(cursor=following)}>; rel="next"'
    return headers


def _as_json(dataset: store.Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "content_id": dataset.content_id,
        "contract": CONTRACT_VERSION,
        "rows": dataset.rows,
        "first_time": _format_time(dataset.first_time),
        "last_time": _format_time(dataset.last_time),
        "file": dataset.account.as_json(),
    }


def _format_time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _find_row(cursor: str | None, dataset: store.Dataset) -> int:
    """The row that a cursor points at. The cursor must belong to the data set's current content."""
    if cursor is None:
        return 0
    try:
        place = cursor_from_text(cursor)
    except CursorUnreadable:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, f"cursor must be {ALLOWED['cursor']}, not {cursor[:100]!r}.") from None
    if place.content_id != dataset.content_id:
        detail = f"the content of {dataset.name!r} has changed since the cursor was issued; start again without a cursor."
        raise RequestRefused(HTTPStatus.CONFLICT, detail)
    if place.row > dataset.rows:
        raise RequestRefused(
            HTTPStatus.BAD_REQUEST, f"the cursor points at row {place.row}; {dataset.name!r} has {dataset.rows} rows."
        )
    return place.row


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


app = create_app(current())
