"""The few HTTP requests of the probes, by the standard library."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from infra.stack.service import Unhealthy

TIMEOUT = 5.0


def get_json(url: str, remedy: str) -> Any:
    """The JSON that a server answers. Any failure is raised as Unhealthy."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise Unhealthy(f"{url} answers {error.code}", remedy) from error
    except urllib.error.URLError as error:
        raise Unhealthy(f"{url}: {error.reason}", remedy) from error
    except (OSError, ValueError, HTTPException) as error:
        raise Unhealthy(f"{url}: {error}", remedy) from error


def put(url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=TIMEOUT) as reply:
        reply.read()
