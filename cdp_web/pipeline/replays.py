"""Replays that administrators start: a dry run first, then the replay with the same options. Airflow's DAG `replay` runs both."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cdp.programs import REPLAY_DAG
from cdp_web.pipeline.models import Replay
from cdp_web.serving import airflow
from cdp_web.serving.airflow import AirflowUnavailable

logger = logging.getLogger(__name__)

SHOWN = 20
#: A dry run that is older says too little about what waits now.
DRY_RUN_VALID = timedelta(hours=1)
_STATUS = {"queued": Replay.Status.WAITING, "running": Replay.Status.RUNNING}


class ReplayRefused(ValueError):
    """The replay can't be started now. The message says why."""


def replays_get_latest() -> list[Replay]:
    return list(Replay.objects.select_related("requested_by")[:SHOWN])


def replay_start(*, options: list[str], is_dry_run: bool, requested_by: Any) -> Replay:
    """Start a run of the DAG. Raises AirflowUnavailable; then nothing is recorded."""
    with transaction.atomic():
        replay = Replay.objects.create(options=options, is_dry_run=is_dry_run, requested_by=requested_by)
        words = [*options, *(["--dry-run"] if is_dry_run else [])]
        airflow.dag_run_start(REPLAY_DAG, replay.dag_run_id, {"options": words})
    logger.info("%s started replay %s: %s", requested_by.get_username(), replay.pk, replay.command)
    return replay


def replay_start_after(dry_run: Replay, requested_by: AbstractBaseUser) -> Replay:
    """Start the replay that a dry run has shown."""
    if not may_follow(dry_run):
        raise ReplayRefused(
            _("%(run)s is no finished dry run of the last hour in which a message would pass.") % {"run": dry_run}
        )
    return replay_start(options=dry_run.options, is_dry_run=False, requested_by=requested_by)


def may_follow(replay: Replay) -> bool:
    """Whether a replay with the options of this dry run may start."""
    if not replay.is_dry_run or replay.status != Replay.Status.DONE or not replay.result or replay.finished_at is None:
        return False
    return bool(replay.result["passing"]) and timezone.now() - replay.finished_at < DRY_RUN_VALID


def replays_follow(replays: list[Replay]) -> None:
    """Ask Airflow about the active ones. If it does not answer, they stay as they are."""
    for replay in replays:
        if replay.is_active:
            try:
                _follow(replay)
            except AirflowUnavailable as error:
                logger.warning("replay %s: %s", replay.pk, error)
                return


def _follow(replay: Replay) -> None:
    run = airflow.dag_run_get(REPLAY_DAG, replay.dag_run_id)
    replay.started_at = run.started_at
    if run.state in _STATUS:
        replay.status = _STATUS[run.state]
    else:
        result = airflow.task_result_get(REPLAY_DAG, replay.dag_run_id, REPLAY_DAG) if run.state == "success" else None
        is_complete = isinstance(result, dict) and {"waiting", "selected", "passing", "groups", "remaining"} <= result.keys()
        replay.status = Replay.Status.DONE if is_complete else Replay.Status.FAILED
        replay.result = result if is_complete else None
        replay.finished_at = run.ended_at or timezone.now()
    Replay.objects.filter(pk=replay.pk, status__in=(Replay.Status.WAITING, Replay.Status.RUNNING)).update(
        status=replay.status, started_at=replay.started_at, finished_at=replay.finished_at, result=replay.result
    )
