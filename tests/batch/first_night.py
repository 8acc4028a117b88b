"""A shop that has published its second day. Its night runs once in a session, and each test gets a copy of all its stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo import MongoClient
from pyspark.sql import SparkSession

from cdp.settings import load
from tests import databases
from tests.batch.shop import D2, Shop, on

if TYPE_CHECKING:
    from tests.batch.conftest import Events


def receive_first_events(shop: Shop) -> None:
    """Ann views and buys, Bob views, and one event arrives twice. Cid's day comes after the published one."""
    shop.receive(on(1), on(2, event_type="purchase", quantity=2), on(2, "bob", brand=None), on(3, "cid"))
    shop.receive(on(1, event_id="1-0"))


@dataclass(frozen=True)
class FirstNight:
    """The published shop, which no test changes. Its documents are here because MongoDB stops before the end of the session."""

    shop: Shop
    documents: dict[str, list[dict[str, Any]]]

    @contextmanager
    def copy(self, **place: str) -> Iterator[Shop]:
        """A shop with the same stores, and its tables at that place."""
        original = self.shop
        with databases.database(load(), original.settings.postgres_database) as given:
            name = given.postgres_database
            copied = Shop(replace(given, mongo_database=name, **place), original.spark, original._events, original._received)
            copy_folder(original, copied)
            with MongoClient(given.mongo_url) as client:
                for collection, documents in self.documents.items():
                    client[name][collection].insert_many(documents)
                yield copied
                client.drop_database(name)


def copy_folder(original: Shop, copied: Shop) -> None:
    """Copy the Delta tables. Either place may be on HDFS."""
    hadoop, options = original.spark._jvm.org.apache.hadoop.fs, original.spark._jsc.hadoopConfiguration()
    paths = [hadoop.Path(f"{shop.settings.hdfs_url}{shop.settings.hdfs_root}") for shop in (original, copied)]
    source, target = (path.getFileSystem(options) for path in paths)
    assert hadoop.FileUtil.copy(source, paths[0], target, paths[1], False, options)


@contextmanager
def publish_first_night(spark: SparkSession, events: Events, folder: Path) -> Iterator[FirstNight]:
    with databases.database(load()) as given:
        name = given.postgres_database
        shop = Shop(replace(given, mongo_database=name, hdfs_url=f"file:{folder}"), spark, events)
        receive_first_events(shop)
        shop.night(D2)
        with MongoClient(given.mongo_url) as client:
            documents = {collection: list(client[name][collection].find()) for collection in client[name].list_collection_names()}
            client.drop_database(name)
        yield FirstNight(shop, documents)
