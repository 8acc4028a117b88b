"""Makes the answer to one request: reads the customer, chooses the arm of the experiment and the list, and logs the exposure."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import Request, Response

from cdp.recommend.experiments import Arm, Experiment, find_arm
from cdp.recommend.exposures import SERVED, Exposure
from cdp.recommend.parts import ALIKE
from cdp_web.recommend.api.exposures import ExposureSender
from cdp_web.recommend.api.ladder import (
    BUY_AGAIN,
    FOR_YOU,
    SIMILAR,
    Visitor,
    choose_new_places,
    list_beside,
    list_buy_again,
    list_for_you,
    list_of_model,
)
from cdp_web.recommend.api.latency import ANSWERED, Answered
from cdp_web.recommend.api.messages import Wishes
from cdp_web.recommend.api.reasons import explain
from cdp_web.recommend.api.refresh import State
from cdp_web.recommend.api.rungs import Pick
from cdp_web.recommend.api.serving import Serving
from cdp_web.recommend.api.visitors import VisitorReader

#: What an arm serves if it serves what everyone else gets.
CHAMPION = "champion"
NOTHING = "nothing"


@dataclass(frozen=True)
class Parts:
    """What answers are made with; one for the app."""

    state: State
    visitors: VisitorReader
    exposures: ExposureSender


@dataclass(frozen=True, slots=True)
class Question:
    """A request for a list."""

    list_name: str
    wishes: Wishes
    customer_id: str = ""
    session: Sequence[str] = ()  # empty: what the customer does now, as the stream "live" knows it
    cart: Sequence[str] = ()


async def answer(request: Request, question: Question) -> Response:
    parts: Parts = request.app.state.parts
    serving, experiments = parts.state.serving, parts.state.experiments
    visitor, is_fresh = await _find_visitor(parts, serving, question)
    place = question.wishes.place
    experiment, arm = _find_arm(experiments, question)
    picks = _choose(serving, visitor, question, arm)
    source = picks[0].source if picks else NOTHING
    exposure = Exposure(
        SERVED, secrets.token_hex(16), datetime.now(UTC), customer_id=question.customer_id, place=place,
        list_name=question.list_name, experiment=experiment, arm=arm.name if arm else "",
        publication=serving.pointer.publication, source=source,
        products=tuple(serving.product_ids[pick.number] for pick in picks),
    )  # fmt: skip
    if question.wishes.log and picks:
        parts.exposures.send(exposure)
    request.scope[ANSWERED] = Answered(place, source, not is_fresh)
    content = {
        "list": exposure.list_name, "place": place, "source": source, "publication": exposure.publication,
        "stale": not is_fresh, "experiment": experiment, "arm": exposure.arm,
        "exposure_id": exposure.exposure_id if question.wishes.log and picks else "",
        "items": _describe(serving, visitor, picks),
    }  # fmt: skip
    return Response(orjson.dumps(content), media_type="application/json")


async def _find_visitor(parts: Parts, serving: Serving, question: Question) -> tuple[Visitor, bool]:
    """What Redis knows, with what the request says about the visit and the cart."""
    visitor, is_fresh = Visitor(), True
    if question.customer_id:
        visitor, is_fresh = await parts.visitors.read(serving, question.customer_id)
    if question.session:
        visitor = replace(visitor, session=serving.find_numbers(question.session), strengths=())
    return replace(visitor, cart=serving.find_numbers(question.cart)), is_fresh


def _find_arm(experiments: Sequence[Experiment], question: Question) -> tuple[str, Arm | None]:
    """The first experiment of the place in which the customer takes part. Its own past is the customer's in every arm."""
    if question.customer_id and question.list_name not in (BUY_AGAIN, SIMILAR):
        for experiment in experiments:
            if experiment.place in ("", question.wishes.place) and (arm := find_arm(experiment, question.customer_id)):
                return experiment.key, arm
    return "", None


def _choose(serving: Serving, visitor: Visitor, question: Question, arm: Arm | None) -> list[Pick]:
    filters, count, name = question.wishes.filters, question.wishes.count, question.list_name
    if name == BUY_AGAIN:
        return list_buy_again(serving, visitor, filters, count)
    if arm and arm.serves != CHAMPION:
        return list_of_model(serving, visitor, filters, count, arm.serves)
    if name == FOR_YOU:
        return list_for_you(serving, visitor, filters, count, choose_new_places(count, random.random()))
    return list_beside(serving, visitor, filters, count, ALIKE if name == SIMILAR else serving.pointer.goes_with)


def _describe(serving: Serving, visitor: Visitor, picks: list[Pick]) -> list[dict[str, Any]]:
    return [
        {
            "product_id": serving.product_ids[pick.number],
            "name": serving.names[pick.number],
            "price": serving.format_price(pick.number),
            "category": serving.name_category(pick.number),
            "new": pick.is_new,
            "reason": reason,  # orjson writes dataclasses
        }
        for pick, reason in zip(picks, explain(serving, visitor, picks), strict=True)
    ]
