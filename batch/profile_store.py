"""Profiles into MongoDB: two collections, of which readers see one. A night brings the other to its day.

Only documents whose hash differs are written. Plain bulk writes and finds by _id: see the list in the design of what the
stand-in does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from pymongo import DeleteOne, MongoClient, ReplaceOne
from pymongo.collection import Collection
from pymongo.errors import PyMongoError
from pyspark.sql import DataFrame, Row

from batch.customers import CUSTOMER_ID
from batch.documents import document
from cdp.settings import Settings

COLLECTIONS = ("profiles_a", "profiles_b")
DOCUMENTS_AT_A_TIME = 1_000
#: Ids that are compared with the customers at a time, when documents have to go.
IDS_AT_A_TIME = 100_000
TIMEOUT_MS = 10_000


class ProfilesAway(RuntimeError):
    """MongoDB does not answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """A collection, in a form that executors can be handed."""

    url: str
    database: str
    collection: str

    def client(self) -> MongoClient[dict[str, Any]]:
        return MongoClient(self.url, serverSelectionTimeoutMS=TIMEOUT_MS, connectTimeoutMS=TIMEOUT_MS, tz_aware=True)

    def of(self, client: MongoClient[dict[str, Any]]) -> Collection[dict[str, Any]]:
        return client[self.database][self.collection]

    def require(self) -> None:
        """Asked once here rather than by every task, four times each. The address may carry a login and is not shown."""
        try:
            with self.client() as client:
                client.admin.command("ping")
        except PyMongoError as error:
            raise ProfilesAway(f"MongoDB does not answer: {str(error).partition(' (')[0]}; see ./run status.") from error


@dataclass(frozen=True, slots=True)
class Written:
    written: int
    unchanged: int
    removed: int


def next_collection(serving: str | None) -> str:
    """The one that nobody reads."""
    return COLLECTIONS[1] if serving == COLLECTIONS[0] else COLLECTIONS[0]


def write_profiles(settings: Settings, profiles: DataFrame, collection: str) -> Written:
    place = Place(settings.mongo_url, settings.mongo_database, collection)
    place.require()
    tasks = profiles.sparkSession.sparkContext.defaultParallelism
    done = profiles.repartition(tasks).rdd.mapPartitions(partial(_write_partition, place)).collect()  # a pair a task
    written, unchanged = (sum(column) for column in zip(*done, strict=True))
    return Written(written, unchanged, _remove_others(place, profiles.select(CUSTOMER_ID), written + unchanged))


def _write_partition(place: Place, profiles: Iterable[Row]) -> Iterator[tuple[int, int]]:
    rows, written, unchanged = iter(profiles), 0, 0
    with place.client() as client:
        while chunk := list(islice(rows, DOCUMENTS_AT_A_TIME)):
            changed = _changed(place.of(client), chunk)
            if changed:
                changes = [ReplaceOne({"_id": row.customer_id}, document(row), upsert=True) for row in changed]
                place.of(client).bulk_write(changes, ordered=False)
            written += len(changed)
            unchanged += len(chunk) - len(changed)
    yield written, unchanged


def _changed(collection: Collection[dict[str, Any]], profiles: list[Row]) -> list[Row]:
    stored = collection.find({"_id": {"$in": [row.customer_id for row in profiles]}}, {"hash": 1})
    hashes = {found["_id"]: found.get("hash") for found in stored}
    return [row for row in profiles if hashes.get(row.customer_id) != row.hash]


def _remove_others(place: Place, customers: DataFrame, expected: int) -> int:
    """Delete documents of customers that are no longer there. All that should be there are, so that a count tells."""
    with place.client() as client:
        collection, removed = place.of(client), 0
        if collection.count_documents({}) == expected:
            return 0
        ids = (found["_id"] for found in collection.find({}, {"_id": 1}))
        while chunk := [(customer_id,) for customer_id in islice(ids, IDS_AT_A_TIME)]:
            stored = customers.sparkSession.createDataFrame(chunk, f"{CUSTOMER_ID} string")
            others = stored.join(customers, CUSTOMER_ID, "left_anti").collect()  # no more than the chunk
            if others:
                removed += collection.bulk_write([DeleteOne({"_id": row[0]}) for row in others], ordered=False).deleted_count
    return removed
