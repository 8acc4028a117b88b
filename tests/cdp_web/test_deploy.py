"""Django's own checks of a production site."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cdp.settings import REPOSITORY


@pytest.mark.subprocess
def test_production_settings_pass_the_checks() -> None:
    production = {
        "CDP_WEB_URL": "https://cdp.example.org",
        "CDP_WEB_HOSTS": "cdp.example.org",
        "CDP_WEB_DEBUG": "no",
        "CDP_DJANGO_SECRET_KEY": "0123456789abcdef" * 4,
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    answer = subprocess.run(command, cwd=REPOSITORY, env=os.environ | production, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
