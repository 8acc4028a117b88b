"""Publishes recommendations: lists of all customers as of a day, to HDFS and Redis.

Everything is written under the publication's name, and the pointer in Redis is set last. So a publication that was cut off
changes nothing for readers, and the same command completes it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

import redis

from batch.recommend import online, records
from batch.recommend.catalogue import make_publication
from batch.recommend.features import Features, build_features
from batch.recommend.history import History, open_history
from batch.recommend.lake import write_tables
from batch.recommend.lists import CustomerLists, count_full, make_lists
from cdp.lake.paths import INTERACTIONS
from cdp.recommend import store
from cdp.recommend.online import BOUGHT_DAYS, LISTED, POINTER, REMEMBERED, Pointer
from cdp.recommend.parts import POPULAR_IN_CATEGORY
from cdp.recommend.publications import Publication, publications_folder, write_pointer, write_publication
from cdp.settings import Settings

#: Folders that stay, the one that serves included.
KEPT_FOLDERS = 3


@dataclass(frozen=True)
class Outcome:
    """A publication, and whether it was served before."""

    pointer: Pointer
    customers: int
    existed: bool = False


def publish(settings: Settings, day: date) -> Outcome:
    """The lists of the champion; without one, of what is popular in the customer's categories."""
    began = time.monotonic()
    records.create_tables(settings)
    champion = store.read_pointer(settings, store.CHAMPION)
    with online.open_redis(settings) as client, open_history(settings, day, visits=False) as history:
        features = build_features(history.duck, day)
        pointer = _name_publication(history, champion)
        if _is_complete(settings, client, pointer, features):
            return Outcome(pointer, len(features.customer_ids), existed=True)
        part = champion.read(store.FULL) if champion else None
        publication = make_publication(pointer.publication, history.duck, features, part)
        lists = make_lists(history.duck, features, publication.part.models[pointer.for_you])
        _write(settings, client, pointer, publication, features, lists, began)
    _remove_folders(settings, pointer.publication)
    return Outcome(pointer, len(lists))


def _name_publication(history: History, champion: store.Version | None) -> Pointer:
    """The same interactions and models make the same publication, so they make the same name."""
    evaluation = champion.evaluation if champion else None
    serves = evaluation["serves"] if evaluation else {"for_you": POPULAR_IN_CATEGORY, "goes_with": POPULAR_IN_CATEGORY}
    model = champion.name if champion and evaluation else ""
    made_from = [history.versions[INTERACTIONS], model, serves, LISTED, REMEMBERED, BOUGHT_DAYS]
    digest = hashlib.blake2b(json.dumps(made_from, sort_keys=True).encode(), digest_size=4).hexdigest()
    return Pointer(f"{history.day}-{digest}", str(history.day), model, serves["for_you"], serves["goes_with"])


def _is_complete(settings: Settings, client: redis.Redis, pointer: Pointer, features: Features) -> bool:
    """It serves, and nothing of it was lost since: Redis may have been emptied, or the folder removed."""
    if online.read_pointer(client) != pointer or not (publications_folder(settings) / pointer.publication).exists():
        return False
    customers = online.renew_customers(client, pointer.publication, features.customer_ids)
    return customers == len(features.customer_ids) and records.has_publication(settings, pointer.publication)


def _write(
    settings: Settings, client: redis.Redis, pointer: Pointer, publication: Publication, features: Features,
    lists: CustomerLists, began: float,
) -> None:  # fmt: skip
    name, serving = pointer.publication, online.read_pointer(client)
    online.remove_publications(client, kept={serving.publication} if serving else set())
    online.require_memory(client, lists)
    write_publication(settings, publication)
    lake_version = write_tables(settings, publication, features.customer_ids, lists)
    online.write_customers(client, name, features.customer_ids, lists)
    written = online.renew_customers(client, name, features.customer_ids)
    if written != len(lists):
        raise online.RedisProblem(f"Redis has {written:,} of {len(lists):,} customers; type the command again.")
    row = {key: value for key, value in asdict(pointer).items() if key != "model"} | {
        "version": pointer.model,
        "published_at": datetime.now(UTC),
        "seconds": round(time.monotonic() - began),
        "products": len(features.product_ids),
        "lake_version": lake_version,
    }
    records.record_publication(settings, row | count_full(lists))
    write_pointer(settings, pointer)
    client.set(POINTER, pointer.to_json())


def _remove_folders(settings: Settings, serving: str) -> None:
    """All but the last ones, and what a killed publication left."""
    folders = [folder for folder in publications_folder(settings).iterdir() if folder.name != serving]
    finished = [folder for folder in folders if not folder.name.startswith(".")]
    kept = sorted(finished, key=lambda folder: folder.stat().st_mtime)[-(KEPT_FOLDERS - 1) :]
    for folder in set(folders) - set(kept):
        shutil.rmtree(folder)
