"""Writes profiles into MongoDB. There are two collections: readers use one, and a night updates the other.

A document is written only if a hash differs: as a whole, or its metrics alone. Each collection has a note that names the snapshot
it holds completely. The night deletes the note before its first write and writes it again after its last, so a killed night
leaves no note, and the next night checks every document. Only bulk writes and finds by _id are used: the design lists what the
stand-in does not support.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from typing import Any

import orjson
from pymongo import DeleteOne, MongoClient, ReplaceOne, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import PyMongoError
from pyspark.sql import DataFrame

from batch.customers.documents import SHAPE, Written, document, has_history, update
from batch.customers.lineage import SnapshotInfo, read_snapshot_info
from batch.customers.profiles import as_json
from batch.days.customer_day import CUSTOMER_ID
from batch.plan import TableVersion
from cdp.settings import Settings

COLLECTIONS = ("profiles_a", "profiles_b")
NOTES = "profiles_notes"
HASHES = ("hash", "history_hash")
DOCUMENTS_AT_A_TIME = 1_000
#: Ids compared with the customers at a time when documents are removed.
IDS_AT_A_TIME = 100_000
TIMEOUT_MS = 10_000
#: Longer than any answer takes. A server that hangs must not block the night, which holds the lock.
ANSWER_MS = 300_000


class MongoUnavailable(RuntimeError):
    """MongoDB does not answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """The address of a collection, which can be sent to executors."""

    url: str
    database: str
    collection: str

    def client(self) -> MongoClient[dict[str, Any]]:
        return MongoClient(
            self.url,
            serverSelectionTimeoutMS=TIMEOUT_MS,
            connectTimeoutMS=TIMEOUT_MS,
            socketTimeoutMS=ANSWER_MS,
            tz_aware=True,
        )

    def of(self, client: MongoClient[dict[str, Any]]) -> Collection[dict[str, Any]]:
        return client[self.database][self.collection]

    def notes(self, client: MongoClient[dict[str, Any]]) -> Collection[dict[str, Any]]:
        return client[self.database][NOTES]

    def require(self) -> None:
        """Check the server once, before every task tries four times. The URL may contain a password and is not shown."""
        try:
            with self.client() as client:
                client.admin.command("ping")
        except PyMongoError as error:
            raise MongoUnavailable(f"MongoDB does not answer: {str(error).partition(' (')[0]}; see ./run status.") from error


@dataclass(frozen=True, slots=True)
class FillReport:
    """How many documents were written and removed; the others did not change."""

    written: int
    unchanged: int
    removed: int


@dataclass(frozen=True, slots=True)
class CustomersSnapshot:
    """A snapshot of the customers, and how many it has."""

    version: TableVersion
    snapshot: DataFrame
    count: int


def choose_collection(serving: str | None) -> str:
    """The collection that nobody reads."""
    return COLLECTIONS[1] if serving == COLLECTIONS[0] else COLLECTIONS[0]


def connect_collection(settings: Settings, collection: str) -> Place:
    place = Place(settings.mongo_url, settings.mongo_database, collection)
    place.require()
    return place


def read_stored_snapshot(settings: Settings, place: Place) -> SnapshotInfo | None:
    """The snapshot that the collection holds completely. None if that is not known."""
    with place.client() as client:
        note = place.notes(client).find_one({"_id": place.collection})
    if note is None or note["shape"] != SHAPE:
        return None
    info = read_snapshot_info(settings, note["customers"]["version"])
    return info if info and asdict(info.customers) == note["customers"] else None


def fill(
    place: Place, customers: CustomersSnapshot, changed: DataFrame | None, everyone: DataFrame, written: Written
) -> FillReport:
    """Update the collection to the profiles of these customers. `changed` has every profile that can differ from its document;
    None if that is not known."""
    with place.client() as client:
        place.notes(client).delete_one({"_id": place.collection})
    count, lacking = write_documents(place, everyone if changed is None else changed, written)
    if lacking or (changed is not None and _count_documents(place, customers.count) < customers.count):
        # Somebody has deleted documents.
        count += write_documents(place, everyone, written)[0]
    removed = _remove_others(place, customers)
    with place.client() as client:
        note = {"customers": asdict(customers.version), "shape": SHAPE}
        place.notes(client).replace_one({"_id": place.collection}, note, upsert=True)
    return FillReport(count, customers.count - count, removed)


def write_documents(place: Place, profiles: DataFrame, written: Written) -> tuple[int, int]:
    """Write the profiles whose hashes differ. Returns how many were written, and how many could not be because they have no
    history and there is no document to take it from."""
    tasks = profiles.sparkSession.sparkContext.defaultParallelism
    write = partial(_write_partition, place, written)
    counts = as_json(profiles.repartition(tasks)).mapPartitions(write).collect()  # two numbers per task
    return sum(count for count, _ in counts), sum(lacking for _, lacking in counts)


def _write_partition(place: Place, written: Written, texts: Iterable[str]) -> Iterator[tuple[int, int]]:
    profiles, count, lacking = map(orjson.loads, texts), 0, 0
    with place.client() as client:
        collection = place.of(client)
        while chunk := list(islice(profiles, DOCUMENTS_AT_A_TIME)):
            stored = _read_hashes(collection, chunk)
            possible = [profile for profile in chunk if has_history(profile) or profile[CUSTOMER_ID] in stored]
            changes = [
                _make_change(profile, written) for profile in possible if _differs(profile, stored.get(profile[CUSTOMER_ID]))
            ]
            if changes:
                collection.bulk_write(changes, ordered=False)
            count += len(changes)
            lacking += len(chunk) - len(possible)
    yield count, lacking


def _read_hashes(collection: Collection[dict[str, Any]], profiles: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    query = {"_id": {"$in": [profile[CUSTOMER_ID] for profile in profiles]}}
    return {document["_id"]: document for document in collection.find(query, dict.fromkeys(HASHES, 1))}


def _differs(profile: dict[str, Any], stored: dict[str, Any] | None) -> bool:
    return stored is None or any(stored.get(name) != profile[name] for name in HASHES if name in profile)


def _make_change(profile: dict[str, Any], written: Written) -> ReplaceOne[dict[str, Any]] | UpdateOne:
    query = {"_id": profile[CUSTOMER_ID]}
    if has_history(profile):
        return ReplaceOne(query, document(profile, written), upsert=True)
    return UpdateOne(query, update(profile, written))


def _count_documents(place: Place, expected: int) -> int:
    """Uses the server's own count, which costs nothing. It may be wrong after a crash, so the documents are counted when it
    differs from the expected number."""
    with place.client() as client:
        collection = place.of(client)
        return expected if collection.estimated_document_count() == expected else collection.count_documents({})


def _remove_others(place: Place, customers: CustomersSnapshot) -> int:
    """Delete documents of customers that are not in the snapshot. Every customer of the snapshot has a document by now, so equal
    counts mean that there is nothing to delete."""
    if _count_documents(place, customers.count) == customers.count:
        return 0
    removed = 0
    with place.client() as client:
        collection = place.of(client)
        ids = (row["_id"] for row in collection.find({}, {"_id": 1}))
        while chunk := [(customer_id,) for customer_id in islice(ids, IDS_AT_A_TIME)]:
            stored = customers.snapshot.sparkSession.createDataFrame(chunk, f"{CUSTOMER_ID} string")
            others = stored.join(customers.snapshot, CUSTOMER_ID, "left_anti").collect()  # at most one chunk
            if others:
                removed += collection.bulk_write([DeleteOne({"_id": row[0]}) for row in others], ordered=False).deleted_count
    return removed
