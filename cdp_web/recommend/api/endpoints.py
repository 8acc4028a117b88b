"""The addresses of the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from cdp.recommend.exposures import CLICK, SEEN, Exposure
from cdp_web.recommend.api.answering import Parts, Question, answer
from cdp_web.recommend.api.ladder import FOR_YOU, GOES_WITH
from cdp_web.recommend.api.messages import (
    Accepted,
    Answer,
    Cart,
    Click,
    CustomerQuery,
    ExposureId,
    Health,
    Id,
    ProductQuery,
    Reports,
    Session,
)

lists = APIRouter(prefix="/v1", tags=["lists"])
reports = APIRouter(prefix="/v1/exposures", tags=["reports of browsers"])
rest = APIRouter(tags=["health"])
CustomerId = Annotated[Id, Path(description="the customer, or an id of the browser before the login")]
ProductId = Annotated[Id, Path(description="a product of the shop")]


@lists.get("/customers/{customer_id}/recommendations", response_model=Answer)
async def list_for_customer(request: Request, customer_id: CustomerId, query: Annotated[CustomerQuery, Query()]) -> Response:
    """Products for a customer: what this visit suggests, else the list of the night, else what is popular. The list buy-again
    has what the customer comes back to."""
    return await answer(request, Question(query.list, query, customer_id))


@lists.get("/products/{product_id}/recommendations", response_model=Answer)
async def list_for_product(request: Request, product_id: ProductId, query: Annotated[ProductQuery, Query()]) -> Response:
    """Products beside a product: what goes with it, or what is similar."""
    return await answer(request, Question(query.list, query, query.customer_id or "", session=[product_id]))


@lists.post("/session", response_model=Answer)
async def list_for_session(request: Request, body: Session) -> Response:
    """Products for a visit that the shop itself follows, also without a customer."""
    return await answer(request, Question(FOR_YOU, body, body.customer_id or "", session=body.products))


@lists.post("/cart", response_model=Answer)
async def list_for_cart(request: Request, body: Cart) -> Response:
    """Products that go with what is in the cart."""
    return await answer(request, Question(GOES_WITH, body, body.customer_id or "", cart=body.products))


@reports.post("/{exposure_id}/seen", response_model=Accepted)
async def report_seen(request: Request, exposure_id: ExposureId) -> Any:
    """A person has seen the list: half of it was in view for a second."""
    return _send(request, Exposure(SEEN, exposure_id, datetime.now(UTC)))


@reports.post("/{exposure_id}/click", response_model=Accepted)
async def report_click(request: Request, exposure_id: ExposureId, body: Click) -> Any:
    """A person has clicked a product of the list."""
    return _send(request, Exposure(CLICK, exposure_id, datetime.now(UTC), body.product_id))


@reports.post("", response_model=Accepted)
async def report_several(request: Request, body: Reports) -> Any:
    """Several of these reports at once."""
    now = datetime.now(UTC)
    return _send(request, *(Exposure(each.kind, each.exposure_id, now, each.product_id or "") for each in body.reports))


def _send(request: Request, *exposures: Exposure) -> dict[str, int]:
    parts: Parts = request.app.state.parts
    for exposure in exposures:
        parts.exposures.send(exposure)
    return {"accepted": len(exposures)}


@rest.get("/health", response_model=Health)
async def show_health(request: Request) -> Any:
    """What the API serves, and which server is away. Answers are given in any case."""
    parts: Parts = request.app.state.parts
    problem = "; ".join(f"{server}: {text}" for server, text in parts.state.problems.items() if text)
    return {"status": "problem" if problem else "ok", "serves": parts.state.describe(), "problem": problem}


@rest.get("/metrics", include_in_schema=False)
async def show_metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
