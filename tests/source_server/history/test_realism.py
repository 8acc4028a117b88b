"""The history compared with the shop it is modelled on. The bounds fit any seed but catch a change of character."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from cdp.settings import REPOSITORY
from source_server.generate import write_history
from source_server.history.realism import REES46, measure, report
from source_server.history.shop import Shop

BOUNDS = {
    "views": (0.95, 0.97),
    "carts": (0.018, 0.027),
    "removals from the cart": (0.002, 0.006),
    "purchases": (0.0145, 0.0205),
    "events a customer": (13.3, 15.0),
    "events a session": (4.4, 4.8),
    "sessions a customer": (2.8, 3.4),
    "category_code empty": (0.29, 0.35),
    "brand empty": (0.11, 0.18),
    "average price of a purchase": (260, 360),
    "customers who buy": (0.09, 0.14),
    "views of the top 1% of products": (0.15, 0.40),
    "events of the top 1% of customers": (0.08, 0.20),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("realism") / "history.parquet"
    write_history(Shop(11, date(2019, 9, 2), 14_200, 200_000), date(2019, 9, 2), date(2019, 10, 31), path)
    return path


def test_the_history_resembles_the_shop_it_is_modelled_on(file: Path) -> None:
    ours = dict(zip((name for name, _, _ in REES46), measure(file), strict=True))
    strange = {name: ours[name] for name, (low, high) in BOUNDS.items() if not low <= ours[name] <= high}
    assert strange == {}


def test_the_report_shows_both(file: Path) -> None:
    lines = report(file).splitlines()
    assert len(lines) == 1 + len(REES46)
    assert "309" in next(line for line in lines if line.startswith("average price"))


def test_a_dashboard_has_something_to_show(file: Path) -> None:
    """Buyers who come back, others who are gone, orders of several products, a sale on every day."""
    row = duckdb.execute(
        """WITH good AS (SELECT * FROM read_parquet(?) WHERE event_time LIKE '2019%UTC' AND user_id <> ''),
        orders AS (SELECT user_id, coalesce(order_id, user_session) AS o, count(*) AS n FROM good
                   WHERE event_type = 'purchase' GROUP BY ALL),
        buyers AS (SELECT user_id, count(*) AS n FROM orders GROUP BY ALL),
        last_events AS (SELECT user_id, max(event_time) AS last FROM good GROUP BY ALL)
        SELECT (SELECT count(*) FROM buyers WHERE n > 1), (SELECT count(*) FROM orders WHERE n > 1),
               (SELECT count(*) FROM last_events WHERE last < '2019-10-02'),
               (SELECT count(DISTINCT left(event_time, 10)) FROM good WHERE event_type = 'purchase'),
               (SELECT count(*) FROM good WHERE event_type = 'purchase' AND quantity IN ('2', '3', '4')),
               (SELECT count(*) FROM good WHERE user_session IS NULL)""",
        [str(file)],
    ).fetchone()
    assert row is not None
    again, several, gone, days, units, nameless = row
    assert min(again, several, units, nameless) > 50
    assert gone > 1000
    assert days == 60


def test_the_documentation_shows_the_report() -> None:
    shown = (REPOSITORY / "docs" / "events.md").read_text().splitlines()
    for name, _, theirs in REES46:
        assert any(line.startswith(name) and line.endswith(theirs or "not published") for line in shown), name
