"""Profiles into MongoDB: two collections, of which readers see one. A night brings the other to its day.

Only what differs by its hash is written: a whole document, or its metrics alone. Each collection has a note of what it holds
whole: it is taken away before the first write and put there after the last, so that a night that is cut off leaves none, and
the next one looks at every document. Plain bulk writes and finds by _id: see the list in the design of what the stand-in does
not know.
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
from batch.customers.profiles import as_json
from batch.customers.standing import Standing, Version, standing
from batch.days.customer_day import CUSTOMER_ID
from cdp.settings import Settings

COLLECTIONS = ("profiles_a", "profiles_b")
NOTES = "profiles_notes"
HASHES = ("hash", "history_hash")
DOCUMENTS_AT_A_TIME = 1_000
#: Ids that are compared with the customers at a time, when documents have to go.
IDS_AT_A_TIME = 100_000
TIMEOUT_MS = 10_000
#: No answer takes so long; a server that hangs must not hold the night and its lock.
ANSWER_MS = 300_000


class ProfilesAway(RuntimeError):
    """MongoDB does not answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """A collection, in a form that executors can be handed."""

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
        """Asked once here rather than by every task, four times each. The address may carry a login and is not shown."""
        try:
            with self.client() as client:
                client.admin.command("ping")
        except PyMongoError as error:
            raise ProfilesAway(f"MongoDB does not answer: {str(error).partition(' (')[0]}; see ./run status.") from error


@dataclass(frozen=True, slots=True)
class Filled:
    """How many documents were written, and how many had to go; the others are as they were."""

    written: int
    unchanged: int
    removed: int


@dataclass(frozen=True, slots=True)
class Customers:
    """A snapshot of them, and how many it has."""

    version: Version
    snapshot: DataFrame
    count: int


def next_collection(serving: str | None) -> str:
    """The one that nobody reads."""
    return COLLECTIONS[1] if serving == COLLECTIONS[0] else COLLECTIONS[0]


def place_of(settings: Settings, collection: str) -> Place:
    place = Place(settings.mongo_url, settings.mongo_database, collection)
    place.require()
    return place


def held(settings: Settings, place: Place) -> Standing | None:
    """The snapshot of which the collection holds every document; none where that is not known."""
    with place.client() as client:
        note = place.notes(client).find_one({"_id": place.collection})
    if note is None or note["shape"] != SHAPE:
        return None
    found = standing(settings, note["customers"]["version"])
    return found if found and asdict(found.customers) == note["customers"] else None


def fill(place: Place, customers: Customers, changed: DataFrame | None, everyone: DataFrame, written: Written) -> Filled:
    """Bring the collection to the documents of these customers. `changed` are the only profiles that can differ from what is
    there, where that is known."""
    with place.client() as client:
        place.notes(client).delete_one({"_id": place.collection})
    count, lacking = write_documents(place, everyone if changed is None else changed, written)
    if lacking or (changed is not None and _number(place, customers.count) < customers.count):
        # Somebody has taken documents away.
        count += write_documents(place, everyone, written)[0]
    removed = _remove_others(place, customers)
    with place.client() as client:
        note = {"customers": asdict(customers.version), "shape": SHAPE}
        place.notes(client).replace_one({"_id": place.collection}, note, upsert=True)
    return Filled(count, customers.count - count, removed)


def write_documents(place: Place, profiles: DataFrame, written: Written) -> tuple[int, int]:
    """Those whose hashes are not there yet; how many those were, and how many have neither a history nor a document to keep
    it from."""
    tasks = profiles.sparkSession.sparkContext.defaultParallelism
    write = partial(_write_partition, place, written)
    counts = as_json(profiles.repartition(tasks)).mapPartitions(write).collect()  # two numbers a task
    return sum(count for count, _ in counts), sum(lacking for _, lacking in counts)


def _write_partition(place: Place, written: Written, texts: Iterable[str]) -> Iterator[tuple[int, int]]:
    profiles, count, lacking = map(orjson.loads, texts), 0, 0
    with place.client() as client:
        collection = place.of(client)
        while chunk := list(islice(profiles, DOCUMENTS_AT_A_TIME)):
            stored = _hashes(collection, chunk)
            possible = [profile for profile in chunk if has_history(profile) or profile[CUSTOMER_ID] in stored]
            changes = [_change(profile, written) for profile in possible if _differs(profile, stored.get(profile[CUSTOMER_ID]))]
            if changes:
                collection.bulk_write(changes, ordered=False)
            count += len(changes)
            lacking += len(chunk) - len(possible)
    yield count, lacking


def _hashes(collection: Collection[dict[str, Any]], profiles: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    wanted = {"_id": {"$in": [profile[CUSTOMER_ID] for profile in profiles]}}
    return {found["_id"]: found for found in collection.find(wanted, dict.fromkeys(HASHES, 1))}


def _differs(profile: dict[str, Any], stored: dict[str, Any] | None) -> bool:
    return stored is None or any(stored.get(name) != profile[name] for name in HASHES if name in profile)


def _change(profile: dict[str, Any], written: Written) -> ReplaceOne[dict[str, Any]] | UpdateOne:
    which = {"_id": profile[CUSTOMER_ID]}
    if has_history(profile):
        return ReplaceOne(which, document(profile, written), upsert=True)
    return UpdateOne(which, update(profile, written))


def _number(place: Place, expected: int) -> int:
    """By the collection's own record, which costs nothing. After a crash a server may have a wrong one, so that another number
    than was expected is counted."""
    with place.client() as client:
        collection = place.of(client)
        return expected if collection.estimated_document_count() == expected else collection.count_documents({})


def _remove_others(place: Place, customers: Customers) -> int:
    """Delete documents of customers that are no longer there. All that should be there are, so that a count tells."""
    if _number(place, customers.count) == customers.count:
        return 0
    removed = 0
    with place.client() as client:
        collection = place.of(client)
        ids = (found["_id"] for found in collection.find({}, {"_id": 1}))
        while chunk := [(customer_id,) for customer_id in islice(ids, IDS_AT_A_TIME)]:
            stored = customers.snapshot.sparkSession.createDataFrame(chunk, f"{CUSTOMER_ID} string")
            others = stored.join(customers.snapshot, CUSTOMER_ID, "left_anti").collect()  # no more than the chunk
            if others:
                removed += collection.bulk_write([DeleteOne({"_id": row[0]}) for row in others], ordered=False).deleted_count
    return removed
