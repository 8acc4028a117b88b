"""Debian's Chromium, one for the whole run, because a thread can run Playwright's loop only once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from benchmarks.chromium import NoChromium, open_chromium


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    try:
        # Playwright's loop runs in this thread, in which Django would otherwise refuse to use the database.
        with pytest.MonkeyPatch.context() as patch, open_chromium() as browser:
            patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
            yield browser
    except NoChromium as error:
        pytest.fail(f"The browser tests: {error}", pytrace=False)
