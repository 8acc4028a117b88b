"""What people and programs ask of the site: the routes in a realistic mix, and users who ask without a pause."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

import httpx

from benchmarks.segments_rules import RULES
from benchmarks.web_site import PASSWORD, name_user

Kind = Literal["page", "API", "preview"]
SECONDS = 60
PERIODS = ("7d", "28d", "28d", "90d", "this-month", "last-month")
CATEGORIES = ("electronics", "appliances", "computers", "apparel")
PREVIEW = "/api/v1/segments/preview"


@dataclass(frozen=True, slots=True)
class Things:
    """Ids that exist."""

    customers: Sequence[str]
    segments: Sequence[int]


@dataclass(frozen=True, slots=True)
class Request:
    address: str
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    kind: Kind
    weight: int  # how often it is asked for, beside the others
    ask: Callable[[Random, Things], Request]


@dataclass(frozen=True, slots=True)
class Answer:
    route: str
    kind: Kind
    seconds: float
    problem: str


def _rule(node: dict[str, Any]) -> str:
    return json.dumps({"version": 1, "rule": node})


def _period(random: Random, _: Things) -> dict[str, str]:
    return {"period": random.choice(PERIODS)}


def _lists(random: Random, _: Things) -> Request:
    """A filter as a click on a number sets it: a metric or a behaviour."""
    metric = {"metric": {"field": "total_purchase", "operator": "ge", "value": random.randint(1, 6)}}
    where = [{"field": "category_1", "operator": "eq", "value": random.choice(CATEGORIES)}]
    did = {"behaviour": {"event": "purchase", "did": True, "where": where, "window": {"last_days": random.choice((7, 28, 90))}}}
    return Request("/customers/", {"rule": _rule({"all": [random.choice((metric, did))]})})


def _find(random: Random, things: Things) -> Request:
    return Request("/customers/", {"q": random.choice(things.customers)[: random.randint(4, 9)]})


def _report(name: str) -> Callable[[Random, Things], Request]:
    return lambda random, things: Request(f"/insights/{name}", _period(random, things))


def _segment(path: str = "", **query: Any) -> Callable[[Random, Things], Request]:
    return lambda random, things: Request(f"/segments/{random.choice(things.segments)}{path}", query)


def _explain(random: Random, things: Things) -> Request:
    return Request(f"/segments/{random.choice(things.segments)}/explain", {"customer": random.choice(things.customers)})


def _preview(random: Random, _: Things) -> Request:
    return Request(PREVIEW, body={"rule": random.choice(RULES).document})


def _page(address: str) -> Callable[[Random, Things], Request]:
    return lambda random, things: Request(address)


ROUTES = (
    Route("overview", "page", 14, lambda random, things: Request("/", _period(random, things))),
    Route("products", "page", 4, _report("products")),
    Route("audience", "page", 3, _report("audience")),
    Route("retention", "page", 3, _report("retention")),
    Route("customers", "page", 8, _page("/customers/")),
    Route("customers by id", "page", 4, _find),
    Route("customers by a rule", "page", 6, _lists),
    Route("one customer", "page", 10, lambda random, things: Request(f"/customers/{random.choice(things.customers)}")),
    Route("segments", "page", 6, _page("/segments/")),
    Route("one segment", "page", 6, _segment()),
    Route("why in a segment", "page", 2, _explain),
    Route("builder, new", "page", 3, _page("/segments/new")),
    Route("builder, existing", "page", 2, _segment("/edit")),
    Route("lists", "page", 1, _page("/segments/lists")),
    Route("account", "page", 1, _page("/accounts/")),
    Route("/overview", "API", 3, lambda random, things: Request("/api/v1/overview", _period(random, things))),
    Route("/customers", "API", 3, _page("/api/v1/customers")),
    Route("/customers/ID", "API", 3, lambda random, things: Request(f"/api/v1/customers/{random.choice(things.customers)}")),
    Route("/segments", "API", 3, _page("/api/v1/segments")),
    Route(
        "/segments/ID/members", "API", 3,
        lambda random, things: Request(f"/api/v1/segments/{random.choice(things.segments)}/members"),
    ),
    Route("/catalogue/values", "API", 2, lambda *_: Request("/api/v1/catalogue/values", {"field": "brand", "q": "brand_1"})),
    Route("/segments/preview", "preview", 10, _preview),
)  # fmt: skip


class User:
    """A person with a session of the site."""

    def __init__(self, site: str, number: int, things: Things) -> None:
        self.client = httpx.AsyncClient(base_url=site, timeout=SECONDS)
        self.random, self.things, self.number = Random(number), things, number

    async def log_in(self) -> None:
        form = await self.client.get("/accounts/login")
        form.raise_for_status()
        data = {"username": name_user(self.number), "password": PASSWORD, "csrfmiddlewaretoken": self._read_csrf_token()}
        answer = await self.client.post("/accounts/login", data=data, headers={"Referer": str(form.url)})
        if answer.status_code != httpx.codes.FOUND:
            raise RuntimeError(f"the login of {name_user(self.number)} failed with {answer.status_code}")

    async def ask(self, route: Route) -> Answer:
        request = route.ask(self.random, self.things)
        start = time.monotonic()
        try:
            if request.body is None:
                answer = await self.client.get(request.address, params=request.query)
            else:
                headers = {"X-CSRFToken": self._read_csrf_token()}
                answer = await self.client.post(request.address, json=request.body, headers=headers)
            problem = "" if answer.status_code == httpx.codes.OK else f"{answer.status_code} of {answer.url}"
        except httpx.HTTPError as error:
            problem = f"{type(error).__name__} of {request.address}"
        return Answer(route.name, route.kind, time.monotonic() - start, problem)

    async def ask_all(self, routes: Iterable[Route], pause: float = 0) -> list[Answer]:
        """With a pause before each request, of this length on average."""
        answers = []
        for route in routes:
            await asyncio.sleep(self.random.uniform(0, 2 * pause))
            answers.append(await self.ask(route))
        return answers

    def choose(self, count: int) -> list[Route]:
        return self.random.choices(ROUTES, [route.weight for route in ROUTES], k=count)

    def _read_csrf_token(self) -> str:
        return next(value for name, value in self.client.cookies.items() if name.endswith("csrf"))


def ask_alone(site: str, things: Things, times: int) -> list[Answer]:
    """One user asks for every route after the other; the first round, which fills the caches, does not count."""

    async def ask() -> list[Answer]:
        user = User(site, 0, things)
        async with user.client:
            await user.log_in()
            await user.ask_all(ROUTES)
            return await user.ask_all(ROUTES * times)

    return asyncio.run(ask())


def ask_together(site: str, things: Things, users: int, requests: int, pause: float = 0) -> tuple[list[Answer], float]:
    """Many users at once, each with so many requests; their answers, and the seconds that all took."""

    async def ask() -> tuple[list[Answer], float]:
        everyone = [User(site, number, things) for number in range(users)]
        for user in everyone:
            await user.log_in()
        start = time.monotonic()
        answers = await asyncio.gather(*(user.ask_all(user.choose(requests), pause) for user in everyone))
        seconds = time.monotonic() - start
        for user in everyone:
            await user.client.aclose()
        return [answer for of_user in answers for answer in of_user], seconds

    return asyncio.run(ask())


def group_seconds(answers: Iterable[Answer]) -> dict[str, list[float]]:
    """The seconds of each route."""
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for answer in answers:
        seconds[answer.route].append(answer.seconds)
    return seconds
