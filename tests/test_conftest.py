"""The guard itself: what it blocks, it blocks."""

from __future__ import annotations

import socket

import psycopg2
import pytest

pytest_plugins = ["pytester"]


def test_an_unmarked_test_is_refused_the_network(pytester: pytest.Pytester) -> None:
    """Also when the error is swallowed: the test fails at its end."""
    pytester.makeconftest("from tests.conftest import no_servers, servers  # noqa")
    pytester.makepyfile(
        """
        import contextlib, socket
        def test_swallows():
            with contextlib.suppress(Exception):
                socket.create_connection(("127.0.0.1", 9))
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:django")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*reached for the network at ('127.0.0.1', 9)*"])


@pytest.mark.subprocess
def test_a_marked_test_has_the_real_thing() -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", 9))
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(host="127.0.0.1", port=9)
