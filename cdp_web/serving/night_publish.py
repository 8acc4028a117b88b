"""Publishes the day of a stopped night on behalf of an administrator, by Airflow's DAG `publish`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cdp.mart.nights import NightRun
from cdp.programs import PUBLISH_DAG
from cdp_web.serving import airflow

logger = logging.getLogger(__name__)

MAX_REASON = 500


class AcceptanceInvalid(ValueError):
    """The acceptance lacks something. The message says what."""


def night_publish(*, run: NightRun, accept: Sequence[str], why: str, user: Any, now: datetime) -> str:
    """Start the DAG; returns the id of its run. A second click within the same minute starts nothing more. Without `accept` the
    night runs again as it is."""
    why = " ".join(why.split())
    failed = [check.name for check in run.failed_checks]
    if not set(accept) <= set(failed):
        raise AcceptanceInvalid("Only checks that failed can be accepted.")
    if accept and not why:
        raise AcceptanceInvalid("Say why the failed checks may be accepted.")
    if len(why) > MAX_REASON:
        raise AcceptanceInvalid(f"The reason may have {MAX_REASON} characters.")
    dag_run_id = f"site-night-{run.id}-{now:%Y%m%dT%H%M}"
    who = user.get_username() if accept else ""
    conf = {"day": run.day.isoformat(), "accept": list(accept), "why": why if accept else "", "who": who}
    airflow.dag_run_start(PUBLISH_DAG, dag_run_id, conf)
    logger.info("%s started the night of %s; accepted: %s", user.get_username(), run.day, ", ".join(accept) or "nothing")
    return dag_run_id
