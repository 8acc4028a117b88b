"""How far the streams "live" and "shop" have come, and whether they run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from cdp.mart.live import ALERT, PROGRESS
from cdp.mart.shop import READING
from cdp.postgres import PROGRAM_RUNS, TABLE_EXISTS
from cdp.programs import LIVE_STREAM, SHOP_STREAM, name_stream

#: Numbers are fresh if the stream wrote a batch within this time.
FRESH = timedelta(seconds=60)
#: Every page shows whether the numbers are fresh; it is read again after these seconds.
_FRESH_KEY, _FRESH_SECONDS = "live-is-fresh", 5
_SERVERS = "SELECT " + ", ".join(f"({query})" for query in (PROGRAM_RUNS,) * 2 + (TABLE_EXISTS,) * 3)
_LIVE = f"SELECT batch, written_at, newest_event FROM {PROGRESS.full_name} WHERE stream = %s"
_SHOP = f"SELECT max(written_at) FROM {READING.full_name}"
_ALERT = f"SELECT max(alert_id) FROM {ALERT.full_name}"


@dataclass(frozen=True, slots=True)
class LiveState:
    """Two equal states in the same minute have the same numbers."""

    live_runs: bool
    shop_runs: bool
    batch: int | None = None  # None: the stream "live" has never written
    written_at: datetime | None = None
    newest_event: datetime | None = None
    shop_written_at: datetime | None = None
    newest_alert: int | None = None

    @property
    def is_fresh(self) -> bool:
        return self.live_runs and self.written_at is not None and timezone.now() - self.written_at < FRESH


def state_get() -> LiveState:
    """The tables exist after the first start of a stream or the first night."""
    programs, tables = map(name_stream, (LIVE_STREAM, SHOP_STREAM)), (PROGRESS, READING, ALERT)
    live_runs, shop_runs, *exist = _read(_SERVERS, *programs, *(table.full_name for table in tables))
    has_live, has_shop, has_alerts = exist
    batch, written_at, newest_event = (has_live and _read(_LIVE, LIVE_STREAM)) or (None, None, None)
    (shop_written_at,) = _read(_SHOP) if has_shop else (None,)
    (newest_alert,) = _read(_ALERT) if has_alerts else (None,)
    return LiveState(live_runs, shop_runs, batch, written_at, newest_event, shop_written_at, newest_alert)


def add_live_state(request: HttpRequest) -> dict[str, Any]:
    """Template context: whether the dot in the navigation pulses."""
    return {"live_is_fresh": SimpleLazyObject(lambda: cache.get_or_set(_FRESH_KEY, _read_fresh, _FRESH_SECONDS))}


def _read_fresh() -> bool:
    """Whether the state is fresh, without reading all of it."""
    runs, exists = _read(f"SELECT ({PROGRAM_RUNS}), ({TABLE_EXISTS})", name_stream(LIVE_STREAM), PROGRESS.full_name)
    progress = _read(_LIVE, LIVE_STREAM) if runs and exists else None
    return LiveState(runs, False, *(progress or ())).is_fresh


def _read(sql: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()
