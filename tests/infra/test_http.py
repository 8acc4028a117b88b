"""What a probe reports about a server whose answer is unusable."""

from __future__ import annotations

import subprocess
import sys

import pytest

from infra.stack.service import Unhealthy
from infra.stack.services.http import get_json

#: Prints its port, takes one request, sends its argument as the answer, and hangs up.
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
    ("answer", "message"),
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
def test_any_answer_is_json_or_raises_unhealthy(answer: str, message: str) -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER, answer], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/health"
        if not message:
            assert get_json(url, "./run logs web") == {"status": "ok"}
            return
        with pytest.raises(Unhealthy, match=message) as error:
            get_json(url, "./run logs web")
    assert (error.value.wrong.startswith(url), error.value.remedy) == (True, "./run logs web")
