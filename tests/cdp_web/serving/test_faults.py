"""Responses when the database is down, and for other faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psycopg.errors
import pytest
from django.db import DataError, OperationalError

from cdp.settings import REPOSITORY
from cdp_web.serving.faults import find_database_outage

#: A site whose database refuses connections: nobody listens on port 1.
ASK = """
import django, json, sys
django.setup()
from django.conf import settings
from django.test import Client
from django.test.utils import override_settings, setup_test_environment
setup_test_environment()
override_settings(STORAGES={"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}).enable()
client = Client(raise_request_exception=False)
client.cookies[settings.SESSION_COOKIE_NAME] = "somebody"
answers = [client.get(page) for page in sys.argv[1:]]
print(json.dumps([[answer.status_code, answer.content.decode()] for answer in answers]))
"""


@pytest.mark.subprocess
def test_pages_and_the_api_report_a_database_outage() -> None:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "cdp_web.settings",
        "CDP_DJANGO_SECRET_KEY": "for tests",
        "CDP_POSTGRES_PORT": "1",
    }
    pages = ("/customers/?sort=orders", "/accounts/login", "/api/v1/overview")
    process = subprocess.run([sys.executable, "-c", ASK, *pages], cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert process.stdout, process.stderr
    page, login, api = json.loads(process.stdout)
    for status, says in (page, login):
        assert status == 503
        assert "The site&#x27;s database can&#x27;t be reached" in says
        assert "./run status" in says
    assert 'href="/customers/?sort=orders"' in page[1]
    assert api[0] == 503
    assert (json.loads(api[1])["code"], json.loads(api[1])["remedy"]) == (
        "database_unavailable",
        "Check whether Postgres is healthy: ./run status",
    )


@pytest.mark.parametrize(
    ("error", "cause", "message"),
    [
        (OperationalError("connection refused\nis it running?"), psycopg.OperationalError(), "connection refused"),
        (OperationalError("terminated"), psycopg.errors.AdminShutdown(), "terminated"),
        (OperationalError("too many connections"), psycopg.errors.TooManyConnections(), "too many connections"),
        (OperationalError("deadlock"), psycopg.errors.DeadlockDetected(), None),
        (OperationalError("took too long"), psycopg.errors.QueryCanceled(), None),
        (DataError("out of range"), psycopg.errors.NumericValueOutOfRange(), None),
        (ValueError("ours"), None, None),
    ],
)
def test_only_errors_of_the_server_are_database_outages(error: Exception, cause: Exception, message: str | None) -> None:
    error.__cause__ = cause
    outage = find_database_outage(error)
    assert (outage.says if outage else None) == message
