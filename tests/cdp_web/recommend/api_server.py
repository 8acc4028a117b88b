"""A stand-in for the recommendation API, on a port of its own: it answers with the lists that a test gives it, in the form that
the API's own models describe, and takes only queries that the API takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cdp_web.recommend.api.messages import Answer, CustomerQuery, ProductQuery

_EMPTY = dict.fromkeys(("place", "publication", "experiment", "arm", "exposure_id"), "")


@dataclass
class ApiServer:
    url: str = ""
    status: int = 200
    #: Path and list -> the answer.
    lists: dict[tuple[str, str], Any] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, list[str]], token: str) -> tuple[int, Any]:
        self.requests.append((path, query, token))
        values = {name: value for name, (value,) in query.items()}
        (CustomerQuery if path.startswith("/v1/customers/") else ProductQuery).model_validate(values)
        given = self.lists.get((path, values["list"]), {"source": "popular", "stale": False, "items": []})
        if self.status != 200 or not given:
            return self.status, given
        return 200, Answer.model_validate(_EMPTY | {"list": values["list"]} | given).model_dump()


def make_item(product_id: str, code: str, cause: str | None = None, **changes: Any) -> dict[str, Any]:
    reason = {"code": code, "product_id": cause, "text": f"{code} in English"}
    return {
        "product_id": product_id,
        "name": "",
        "price": "19.90",
        "category": "a.b",
        "new": code == "new",
        "reason": reason,
    } | changes


@contextmanager
def serve_api() -> Iterator[ApiServer]:
    api = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            token = self.headers.get("Authorization", "")
            status, answer = api.answer(unquote(address.path), parse_qs(address.query), token)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield api
        server.shutdown()
