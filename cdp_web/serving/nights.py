"""The latest nights with their outcome, steps and checks. Batch writes mart.night_run; the site only reads it."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import HttpRequest

from cdp.mart.daily import NIGHT_RUN
from cdp.mart.nights import SELECT_RUNS, NightRun, run_from_row
from cdp.postgres import TABLE_EXISTS

RUNS_SHOWN = 60


def nights_get_latest(limit: int = RUNS_SHOWN) -> list[NightRun]:
    return _read_runs("ORDER BY id DESC LIMIT %s", limit)


def night_get(run_id: int) -> NightRun | None:
    runs = _read_runs("WHERE id = %s", run_id)
    return runs[0] if runs else None


def night_get_stopped() -> NightRun | None:
    """The latest night if it did not finish, else None."""
    return next((run for run in nights_get_latest(1) if run.stopped), None)


def add_stopped_night(request: HttpRequest) -> dict[str, Any]:
    """Template context: the function itself, so only a template that shows the notice runs the query, not the fragments of
    pages."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {"stopped_night": night_get_stopped}


def _read_runs(clause: str, *parameters: Any) -> list[NightRun]:
    with connection.cursor() as cursor:
        # The first night creates the table, not Django's migrations.
        cursor.execute(TABLE_EXISTS, [NIGHT_RUN.full_name])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(f"{SELECT_RUNS} {clause}", parameters)
        return [run_from_row(row) for row in cursor.fetchall()]
