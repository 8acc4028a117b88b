"""Every address is called with input that its description allows, and with input that it does not: there is no fault, and no
answer that the description lacks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import redis
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from schemathesis import Case, GenerationMode, checks
from schemathesis.core.result import Ok

from cdp.settings import Settings
from cdp_web.recommend.api.app import create_app
from tests.cdp_web.recommend.api.conftest import TOKEN, OpenApi
from tests.cdp_web.recommend.api.shop import make_customer, make_publication, publish
from tests.examples import limit_examples

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture
def address(api_settings: Settings, store: redis.Redis, open_api: OpenApi) -> Iterator[str]:
    """The API as a server on a port of its own."""
    publish(api_settings, store, make_publication(), {"anna": make_customer(for_you=("p3",), products=("p1",))})
    server = uvicorn.Server(uvicorn.Config(create_app(api_settings), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.mark.stack("redis")
def test_every_address_answers_as_described(address: str) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) == 8
    for operation in operations:
        has_input = operation.body or operation.query or operation.path_parameters
        valid = operation.as_strategy()
        strategy = valid | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE) if has_input else valid

        @examples(
            max_examples=limit_examples(15),
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def call(case: Case) -> None:
            case.call_and_validate(headers=TOKEN, checks=CHECKS)

        call()
