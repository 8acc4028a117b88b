"""Reads of mart.night_run, the newest first."""

from __future__ import annotations

from typing import Any

from django.db import connection

from cdp.nights import SELECT_RUNS, NightRun, run_from_row
from cdp.warehouse import NIGHT_RUN

RUNS_SHOWN = 60


def nights_last(limit: int = RUNS_SHOWN) -> list[NightRun]:
    return _runs("ORDER BY id DESC LIMIT %s", limit)


def night_get(run_id: int) -> NightRun | None:
    found = _runs("WHERE id = %s", run_id)
    return found[0] if found else None


def night_stopped() -> NightRun | None:
    """The last night, if it did not come to its end. A later one that did takes it back."""
    return next((run for run in nights_last(1) if run.stopped), None)


def _runs(which: str, *parameters: Any) -> list[NightRun]:
    with connection.cursor() as cursor:
        # The table is made by the first night, not by Django's migrations.
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [NIGHT_RUN.full_name])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(f"{SELECT_RUNS} {which}", parameters)
        return [run_from_row(row) for row in cursor.fetchall()]
