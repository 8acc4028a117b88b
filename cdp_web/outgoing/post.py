"""Posts one message to a checked address."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from cdp.errors import first_line
from cdp_web.outgoing.addresses import target_read

TIMEOUT = httpx.Timeout(10, connect=5)
#: Characters of an answer that the log keeps.
BODY_START = 500


class NoAnswer(RuntimeError):
    """The receiver could not be reached, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver answered; no status if it does not speak HTTP."""

    is_accepted: bool
    status: int | None
    body: str


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Raises NoAnswer and AddressRefused. Redirects are not followed: they could lead to an address that is refused."""
    target = target_read(url)
    extensions = {"sni_hostname": target.url.raw_host.decode()}
    headers = {**headers, "host": target.host_header}
    try:
        with (
            httpx.Client(timeout=TIMEOUT, trust_env=False) as client,
            client.stream("POST", target.pinned_url, content=body, headers=headers, extensions=extensions) as response,
        ):
            return Answer(200 <= response.status_code < 300, response.status_code, _read_start(response))
    except httpx.HTTPError as error:
        raise NoAnswer(f"No answer from {target.url.host}: {first_line(error)}") from error


def _read_start(response: httpx.Response) -> str:
    start, end = b"", time.monotonic() + 5
    for chunk in response.iter_raw(BODY_START):
        start += chunk
        if len(start) >= BODY_START or time.monotonic() > end:
            break
    # Postgres refuses NUL characters.
    return start[:BODY_START].decode(errors="replace").replace("\0", "")
