"""The API over the shop's tables: pages in the order of the key, filters by key, columns and time. It logs in as a role that may
only read."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

import psycopg
from fastapi import FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from cdp.http.problems import problem
from cdp.settings import Settings
from source_server.http.access import require_token
from source_server.http.description import describe
from source_server.http.problems import RequestRefused, answer_with_problems
from source_server.shop.database import ShopAway, connect_shop
from source_server.shop.rows import Selection, parse_key, read_page, read_row
from source_server.shop.tables import BY_NAME, TABLES, ShopTable

DEFAULT_LIMIT, MAX_LIMIT = 100, 1_000
NOT_READY = "the shop's database has no tables yet; ./run shop init makes them."
TEXT_COLUMNS = {"email", "city", "code", "brand", "status"}
ALLOWED = {
    "limit": f"a whole number from 1 to {MAX_LIMIT}",
    "after": "the `next` of an earlier page of this table, or absent",
    "since": "a time with a zone, such as 2026-01-31T00:00:00Z",
    "until": "a time with a zone, such as 2026-01-31T00:00:00Z",
}
Number = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class PageQuery(BaseModel):
    """The parameters of every table's page. Unknown parameters are refused, so misspelt names are noticed."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="the largest number of rows in the page")
    after: str | None = Field(None, description="where to continue: the `next` of the previous page")


def create_app(settings: Settings) -> FastAPI:
    app = FastAPI(title="Sample shop", version="1", docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.add_api_route("/health", health, tags=["shop"])
    app.add_api_route("/tables", list_tables, tags=["shop"])
    for table in TABLES:
        _add_table(app, table)
    describe(app)
    require_token(app, settings.source_token)
    _answer_with_problems(app)
    return app


def health(request: Request) -> dict[str, Any]:
    """Answers when the tables can be read."""
    with connect_shop(request.app.state.settings, "reader") as connection:
        rows, _ = read_page(connection, BY_NAME["products"], Selection({}), 1)
    return {"status": "ok", "has_products": bool(rows)}


def list_tables() -> list[dict[str, Any]]:
    """The tables: key, filters, and the column of times that `since` and `until` compare."""
    return [
        {"name": table.name, "about": table.about, "key": table.key, "filters": _list_filters(table), "time": table.time}
        for table in TABLES
    ]


def _list_filters(table: ShopTable) -> list[str]:
    return [*table.key, *(column for column in table.filters if column not in table.key)]


def _add_table(app: FastAPI, table: ShopTable) -> None:
    """Two addresses of a table: its pages, and one row."""
    title = table.about[0].upper() + table.about[1:]
    app.add_api_route(f"/{table.name}", _make_lister(table), tags=["tables"], name=table.name, description=f"{title}.")
    row = f"One row by its key: {', '.join(table.key)}{', joined by a comma' if len(table.key) > 1 else ''}."
    app.add_api_route(f"/{table.name}/{{key}}", _make_reader(table), tags=["tables"], name=f"{table.name} row", description=row)


def _make_lister(table: ShopTable) -> Callable[..., JSONResponse]:
    query_type = _make_query(table)

    def list_rows(request: Request, query: PageQuery) -> JSONResponse:
        parameters = query.model_dump(exclude_none=True)
        equal = {column: parameters[column] for column in _list_filters(table) if column in parameters}
        after = _read_key(table, query.after, "after") if query.after is not None else None
        selection = Selection(equal, parameters.get("since"), parameters.get("until"), after)
        with connect_shop(request.app.state.settings, "reader") as connection:
            rows, following = read_page(connection, table, selection, query.limit)
        return JSONResponse({"table": table.name, "rows": rows, "next": following})

    list_rows.__annotations__ |= {"request": Request, "query": Annotated[query_type, Query()], "return": JSONResponse}
    return list_rows


def _make_query(table: ShopTable) -> type[PageQuery]:
    columns: dict[str, Any] = {
        column: (
            str | None if column in TEXT_COLUMNS else Number | None,
            Field(None, description=f"only rows with this {column}"),
        )
        for column in _list_filters(table)
    }
    if table.time:
        columns["since"] = (AwareDatetime | None, Field(None, description=f"only rows with {table.time} at or after this time"))
        columns["until"] = (AwareDatetime | None, Field(None, description=f"only rows with {table.time} before this time"))
    return create_model(f"{table.name}_query", __base__=PageQuery, **columns)


def _make_reader(table: ShopTable) -> Callable[..., JSONResponse]:
    def show_row(request: Request, key: str) -> JSONResponse:
        numbers = _read_key(table, key, "key")
        with connect_shop(request.app.state.settings, "reader") as connection:
            row = read_row(connection, table, numbers)
        if row is None:
            raise RequestRefused(HTTPStatus.NOT_FOUND, f"{table.name} has no row {key}.")
        return JSONResponse(row)

    show_row.__annotations__ |= {"request": Request, "key": Annotated[str, Path(examples=["1"])], "return": JSONResponse}
    return show_row


def _read_key(table: ShopTable, text: str, parameter: str) -> tuple[int, ...]:
    try:
        return parse_key(table, text)
    except ValueError:
        numbers = ",".join(table.key)
        raise RequestRefused(HTTPStatus.BAD_REQUEST, f"{parameter} must be {numbers} as numbers, not {text[:100]!r}.") from None


def _answer_with_problems(app: FastAPI) -> None:
    answer_with_problems(app, lambda _: ALLOWED)

    def refuse(request: Request, error: RequestValidationError) -> JSONResponse:
        place, table = error.errors()[0], BY_NAME[request.url.path.strip("/").partition("/")[0]]
        name, names = str(place["loc"][-1]), [*_make_query(table).model_fields]
        if name not in names:
            return problem(400, f"{table.name} has no parameter {name!r}; it has {', '.join(names)}.")
        return problem(400, f"{name} must be {ALLOWED.get(name, 'a whole number')}, not {place['input']!r}.")

    app.exception_handler(RequestValidationError)(refuse)
    app.exception_handler(ShopAway)(lambda _, error: problem(503, str(error)))
    app.exception_handler(psycopg.errors.UndefinedTable)(lambda _, error: problem(503, NOT_READY))
    app.exception_handler(psycopg.errors.QueryCanceled)(
        lambda _, error: problem(503, "the query took too long; use more filters.")
    )
    app.exception_handler(psycopg.DataError)(lambda _, error: problem(400, "a parameter has a character that no text may have."))
