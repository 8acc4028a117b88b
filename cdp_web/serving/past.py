"""Snapshots of earlier published days: the customers as of that day, with their interactions up to it.

They are built when somebody needs them, from versions of the Delta tables that HDFS keeps for some weeks. Only a few files stay.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from django.db import connection
from django.utils.translation import gettext_lazy
from filelock import FileLock, Timeout

from cdp.mart.daily import PAST_SNAPSHOT
from cdp.postgres import TABLE_EXISTS
from cdp_web.serving import snapshot_store
from cdp_web.serving.errors import SnapshotUnavailable
from cdp_web.serving.publications import Publication, publication_get_serving, publications_get_before
from cdp_web.serving.snapshot_query import Snapshot, snapshot_open

#: Files of past days on the local disk.
FILES_KEPT = 3
LOCK_WAIT_SECONDS = 60
#: A publication that does not know its version of the interactions.
_UNKNOWN = -1


class PastUnavailable(SnapshotUnavailable):
    code = "past_unavailable"
    title = gettext_lazy("This day can't be read any more")
    remedy = gettext_lazy("Choose a later day: HDFS keeps the customers of past days for CDP_SNAPSHOT_DAYS days.")


def past_days_get() -> list[Publication]:
    """Every day before the serving one whose customers were published or computed afterwards, newest first. A day that was
    computed afterwards has the id 0 and reads the interactions of the serving publication."""
    serving = publication_get_serving()
    days = {each.day: each for each in _read_past_snapshots(serving)}
    days |= {each.day: _complete(each, serving) for each in publications_get_before(serving.day)}
    return [days[day] for day in sorted(days, reverse=True)]


def past_day_get(day: date) -> Publication | None:
    """The serving publication or an earlier one; None if the day has none."""
    serving = publication_get_serving()
    return serving if day == serving.day else next((each for each in past_days_get() if each.day == day), None)


def past_snapshot_open(publication: Publication) -> Snapshot:
    """Raises PastUnavailable if the customers of the day are gone."""
    if publication.id == publication_get_serving().id:
        return snapshot_open(publication)
    path = _find_path(publication)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.parent / "lock").acquire(timeout=LOCK_WAIT_SECONDS):
            if not path.is_file():
                snapshot_store.snapshot_build(publication, path)
            path.touch()
            _delete_stale(path.parent)
    except Timeout:
        raise SnapshotUnavailable("A snapshot of another past day is being prepared.") from None
    except SnapshotUnavailable as error:
        raise PastUnavailable(f"The customers of {publication.day} can't be read: {error.says}") from error
    return Snapshot(publication, str(path))


def _find_path(publication: Publication) -> Path:
    name = f"{publication.day}-{publication.customers_version}-{publication.interactions_version}.duckdb"
    return snapshot_store.get_folder() / "past" / name


def _delete_stale(folder: Path) -> None:
    """Keep the files that were used last; a reader that has a file open can go on reading it."""
    files = sorted(folder.glob("*.duckdb"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in [*files[FILES_KEPT:], *folder.glob("*.new*")]:
        file.unlink(missing_ok=True)


def _complete(publication: Publication, serving: Publication) -> Publication:
    if publication.interactions_version != _UNKNOWN:
        return publication
    counts = {key: value for key, value in publication.counts.items() if key != "events"}
    return replace(publication, interactions_version=serving.interactions_version, counts=counts)


def _read_past_snapshots(serving: Publication) -> list[Publication]:
    with connection.cursor() as cursor:
        cursor.execute(TABLE_EXISTS, [PAST_SNAPSHOT.full_name])
        if not cursor.fetchone()[0]:
            return []
        sql = f"SELECT day, customers_version, customers, made_at FROM {PAST_SNAPSHOT.full_name} WHERE day < %s"
        cursor.execute(sql, [serving.day])
        return [
            Publication(0, day, made_at, version, serving.interactions_version, "", {"customers": customers})
            for day, version, customers, made_at in cursor.fetchall()
        ]
