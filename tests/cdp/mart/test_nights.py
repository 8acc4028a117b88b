"""Reading a night's row."""

from __future__ import annotations

from datetime import UTC, date, datetime

from cdp.mart.nights import STEPS, run_from_row

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_steps_are_in_order() -> None:
    """Postgres sorts the keys of jsonb by length."""
    stored = dict.fromkeys(sorted(STEPS, key=len), 1.5)
    row = (1, date(2019, 10, 31), NOW, NOW, "published", "publication", None, stored, [], [], 1, "host", 7)
    assert tuple(run_from_row(row).seconds) == STEPS
