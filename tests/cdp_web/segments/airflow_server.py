"""A stand-in for Airflow's REST API, on a port of its own: it remembers the DAG runs that it was asked to start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

PASSWORD = "airflow-password"
TOKEN = "a-token"
RUNS = "/api/v2/dags/segment/dagRuns"


@dataclass
class AirflowServer:
    url: str = ""
    started: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # ids of DAG runs
    has_dag: bool = True

    def answer(self, method: str, path: str, body: Any, token: str) -> tuple[int, Any]:
        if path == "/auth/token":
            is_right = body == {"username": "admin", "password": PASSWORD}
            return (201, {"access_token": TOKEN}) if is_right else (401, {"detail": "Invalid credentials"})
        if token != f"Bearer {TOKEN}":
            return 401, {"detail": "Not authenticated"}
        if path != RUNS or not self.has_dag:
            return 404, {"detail": "not found"}
        if method == "GET":
            return 200, {"dag_runs": [{"dag_run_id": each} for each in self.failed]}
        if body["dag_run_id"] in [each["dag_run_id"] for each in self.started]:
            return 409, {"detail": "Unique constraint violation"}
        self.started.append(body)
        return 200, body


@contextmanager
def serve_airflow() -> Iterator[AirflowServer]:
    airflow = AirflowServer()

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(text) if text else None
            path = urlsplit(self.path).path
            status, answer = airflow.answer(self.command, path, body, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = respond

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    airflow.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield airflow
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
