"""Tests of the site share fixtures.py with the browser tests."""

from __future__ import annotations

from tests.cdp_web.fixtures import (
    django_db_modify_db_settings,
    marketer,
    publish,
    recommend,
    set_missing_settings,
    simplify_settings,
    site,
    slow_heartbeat,
)

__all__ = [
    "django_db_modify_db_settings",
    "marketer",
    "publish",
    "recommend",
    "set_missing_settings",
    "simplify_settings",
    "site",
    "slow_heartbeat",
]
