"""The published recommendations: which ones serve, and their lists as a file on the local disk.

Recommendations are published by themselves, so they have a file of their own beside the snapshot of the customers, for each pair
of the two. It has the table `recommendations` with the numbers of the snapshot's customers, and values for suggestions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cdp.lake.paths import RECOMMENDATIONS
from cdp.mart.recommend import PUBLICATION
from cdp.rules.names import RECOMMENDED_CATEGORY
from cdp.rules.tree import DEFAULT_PLACES
from cdp_web.serving import snapshot_store
from cdp_web.serving.errors import SnapshotUnavailable
from cdp_web.serving.snapshot_query import RECOMMENDATION_VALUES, Snapshot
from cdp_web.serving.snapshot_store import KEY, TABLE, get_recommendations_folder, write_database
from cdp_web.serving.tables import read_rows

#: Fields of suggestions.
RECOMMENDED_PRODUCT = "recommended_product"
RECOMMENDED_FIELDS = (RECOMMENDED_PRODUCT, RECOMMENDED_CATEGORY)
#: The serving files, and those that queries may still read.
FILES_KEPT = 4
LOCK_WAIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Recommendations:
    """One publication of recommendations."""

    publication: str
    day: date
    published_at: datetime
    version: int  # of the Delta table


def recommendations_get() -> Recommendations | None:
    """The newest publication; None before the first one."""
    # The first publication creates the table, not Django's migrations.
    columns = "publication, day, published_at, lake_version"
    rows = read_rows(PUBLICATION, f"SELECT {columns} FROM {PUBLICATION.full_name} ORDER BY published_at DESC LIMIT 1")
    return Recommendations(*rows[0]) if rows else None


def open_recommendations(version: int) -> Any:
    """The lists of all customers in the Delta table on HDFS, as a stream. Tests replace this function."""
    return snapshot_store.open_table(RECOMMENDATIONS, version)


def recommendations_ensure(snapshot: Snapshot, recommendations: Recommendations | None) -> Path | None:
    """The file for this snapshot, built if it is missing; None without recommendations."""
    if recommendations is None:
        return None
    path = get_recommendations_folder() / f"{Path(snapshot.path).stem}-{recommendations.version}.duckdb"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(path.parent / "lock").acquire(timeout=LOCK_WAIT_SECONDS)
    except Timeout:
        raise SnapshotUnavailable("New recommendations are being prepared.") from None
    with lock:
        if not path.is_file():
            _build(Path(snapshot.path), recommendations, path)
            _delete_stale(path)
    return path


def _build(customers: Path, recommendations: Recommendations, path: Path) -> None:
    with write_database(path, f"The recommendations {recommendations.publication}") as db:
        db.execute(f"ATTACH '{customers}' AS snapshot (READ_ONLY)")
        db.register("source", open_recommendations(recommendations.version))
        db.execute(_BUILD)
        db.execute(_BUILD_VALUES)


#: Sorted, so that a query reads only the first places.
_BUILD = f"""
    CREATE TABLE {RECOMMENDATIONS} AS
    SELECT {KEY}, CAST(place AS INTEGER) AS place, CAST(product_id AS VARCHAR) AS product_id,
        nullif(CAST(category AS VARCHAR), '') AS category
    FROM source JOIN snapshot.{TABLE} USING (customer_id) ORDER BY place, {KEY}"""
#: As the values of the snapshot: products, and categories with those above them, by customers who get them in the first places.
_BUILD_VALUES = f"""
    CREATE TABLE {RECOMMENDATION_VALUES} AS
    WITH firsts AS (FROM {RECOMMENDATIONS} WHERE place <= {DEFAULT_PLACES}),
    levels AS (
        SELECT {KEY}, unnest(list_transform(range(1, len(parts) + 1), lambda n: array_to_string(parts[1:n], '.'))) AS category
        FROM (SELECT {KEY}, string_split(category, '.') AS parts FROM firsts WHERE category IS NOT NULL)
    )
    FROM (
        SELECT '{RECOMMENDED_PRODUCT}' AS field, product_id AS value, count(*) AS customers FROM firsts GROUP BY product_id
        UNION ALL
        SELECT '{RECOMMENDED_CATEGORY}', category, count(DISTINCT {KEY}) FROM levels GROUP BY category
    ) ORDER BY field, customers DESC, value"""


def _delete_stale(current_path: Path) -> None:
    """Keep the newest files; a reader that has another one open can go on reading it."""
    files = sorted(current_path.parent.glob("*.duckdb"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in {*files[FILES_KEPT:], *current_path.parent.glob("*.new*")} - {current_path}:
        file.unlink(missing_ok=True)
