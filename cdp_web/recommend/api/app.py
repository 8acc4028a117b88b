"""The app: its parts, its middleware, and what runs beside the requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from cdp.http.access import TokenRequired
from cdp.settings import Settings
from cdp_web.recommend.api import endpoints
from cdp_web.recommend.api.access import DETAIL, RateLimited, needs_no_token
from cdp_web.recommend.api.answering import Parts
from cdp_web.recommend.api.description import describe
from cdp_web.recommend.api.exposures import ExposureSender
from cdp_web.recommend.api.latency import LatencyLog, Measured
from cdp_web.recommend.api.problems import answer_with_problems
from cdp_web.recommend.api.refresh import State
from cdp_web.recommend.api.visitors import VisitorReader


def create_app(settings: Settings) -> FastAPI:
    log = LatencyLog(settings)

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        parts = Parts(State(settings), VisitorReader(settings), ExposureSender(settings))
        app.state.parts = parts
        await run_in_threadpool(parts.state.start)
        await parts.visitors.warm_up()
        parts.exposures.start()
        log.start()
        yield
        parts.state.stop.set()
        log.stop.set()
        await parts.visitors.close()
        await run_in_threadpool(parts.exposures.close)
        await run_in_threadpool(log.write)

    app = FastAPI(title="Recommendations", version="1", docs_url=None, redoc_url=None, lifespan=run)
    for router in (endpoints.lists, endpoints.reports, endpoints.rest):
        app.include_router(router)
    describe(app)
    answer_with_problems(app)
    app.add_middleware(Measured, log=log)
    app.add_middleware(TokenRequired, token=settings.recommend_token, is_open=needs_no_token, detail=DETAIL)
    app.add_middleware(RateLimited, rate=settings.recommend_rate)
    if settings.recommend_origins:
        origins = settings.recommend_origins.split(",")
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["POST"], allow_headers=["Content-Type"])
    return app
