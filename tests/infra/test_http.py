"""What a probe says of a server whose answer is none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from infra.stack.service import Unhealthy
from infra.stack.services.http import get_json

#: Says its port, takes one request, answers with what it is given, and hangs up.
SERVER = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    connection, _ = server.accept()
    connection.recv(65536)
    connection.sendall(sys.argv[1].encode())
    connection.close()
"""
HEAD = "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (f'{HEAD}{{"status": "ok"}}', ""),
        (HEAD, "16 more expected"),
        (f"{HEAD}<p>not any JSON</", "Expecting value"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "answers 502"),
        ("220 a mail server\r\n", "220 a mail server"),
        ("", "Remote end closed connection"),
    ],
    ids=["well", "cut off", "no JSON", "an error", "no HTTP", "nothing"],
)
def test_whatever_comes_is_an_answer_or_the_services_illness(answer: str, says: str) -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER, answer], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/health"
        if not says:
            assert get_json(url, "./run logs web") == {"status": "ok"}
            return
        with pytest.raises(Unhealthy, match=says) as found:
            get_json(url, "./run logs web")
    assert (found.value.wrong.startswith(url), found.value.remedy) == (True, "./run logs web")
