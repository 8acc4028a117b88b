"""Night after night, each going on from the one before, gives what one night over everything gives: random histories with
late events, copies, removed rows and other accounts, published in random order."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable as SparkDeltaTable
from deltalake import DeltaTable
from pymongo import MongoClient
from pyspark.sql import SparkSession

from batch.customers.lineage import find_moved_spans
from cdp.lake.paths import CUSTOMER_DAY, CUSTOMERS, EVENTS, INTERACTIONS, table_url
from cdp.mart.charts import CHART_TABLES
from tests.batch.conftest import Events
from tests.batch.shop import Shop, on, opened, shop
from tests.shop_tables import make_shop_rows, write_shop
from tests.spark_session import utc

__all__ = ["shop"]

FIRST = date(2019, 7, 1)
LAST = FIRST + timedelta(days=119)
CUSTOMERS_THERE = [f"c{number}" for number in range(80)]

HISTORY = {"recent": 1, "days": 1, "history_hash": 1}

stores = [pytest.mark.stack("postgres", "mongo"), pytest.mark.spark]


class History:
    """What a shop's customers did, as it arrives."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.told: list[dict[str, Any]] = []

    def events(self, count: int, first: date, last: date) -> list[dict[str, Any]]:
        """Anywhere between the days, with some that were there already."""
        fresh = [self._event(first, (last - first).days) for _ in range(count)]
        copies = self.random.sample(self.told, min(len(self.told), count // 6))
        self.told += fresh
        return fresh + copies

    def _event(self, first: date, span: int) -> dict[str, Any]:
        pick, day = self.random.choice, first + timedelta(days=self.random.randint(0, span))
        kind = pick(("view", "view", "cart", "purchase", "purchase", "refund"))
        return {
            "event_id": f"e{len(self.told)}-{self.random.getrandbits(40):x}",
            "event_time": utc(day.year, day.month, day.day, self.random.randint(0, 23), self.random.randint(0, 59)),
            "user_id": pick(CUSTOMERS_THERE),
            "event_type": kind,
            "product_id": f"p{self.random.randint(1, 6)}",
            "brand": pick(("ash", "oak", None)),
            "user_session": f"s{self.random.randint(1, 40)}",
            "quantity": self.random.randint(1, 3) if kind in ("purchase", "refund") else 1,
        }


def day_of(number: int) -> date:
    return date(2019, 10, number)


@pytest.fixture
def rebuilt(spark: SparkSession, events: Events, tmp_path: Path) -> Iterator[Shop]:
    """A second shop, that has seen no night."""
    with opened(spark, events, hdfs_url=f"file:{tmp_path / 'rebuilt'}") as second:
        yield second


def remove(shop: Shop, rule: str, before: date) -> None:
    """Not of the day that is published, which must have events."""
    rule = f"{rule} AND event_day < '{before}'"
    SparkDeltaTable.forPath(shop.spark, table_url(shop.settings, EVENTS)).delete(rule)


def copy_events(here: Shop, there: Shop) -> None:
    source, target = (Path(table_url(each.settings, EVENTS).removeprefix("file:")) for each in (here, there))
    shutil.copytree(source, target)


def result(shop: Shop, day: date) -> dict[str, Any]:
    """All stores as of the serving day, which is this one, without what tells one night from another."""
    found = shop.numbers()
    for table in CHART_TABLES:
        if table.replaced == "published day":
            place = table.column_names.index("day")
            found[table.name] = [row for row in found[table.name] if row[place] == day]
    ((version,),) = shop.rows("SELECT customers_version FROM mart.publication ORDER BY id DESC LIMIT 1")
    rows = DeltaTable(table_url(shop.settings, CUSTOMERS), version=version).to_pyarrow_table().to_pylist()
    return found | {CUSTOMERS: {row["customer_id"]: row for row in rows}, INTERACTIONS: read_interactions(shop)}


def read_interactions(shop: Shop) -> list[str]:
    """Those of the publication."""
    ((version,),) = shop.rows("SELECT interactions_version FROM mart.publication ORDER BY id DESC LIMIT 1")
    table = DeltaTable(table_url(shop.settings, INTERACTIONS), version=version).to_pyarrow_table()
    return sorted(map(repr, table.to_pylist()))


class TestRandomNights:
    pytestmark = stores

    @pytest.mark.parametrize(
        ("seed", "nights"), [(1, 1), *(pytest.param(seed, 4, marks=pytest.mark.slow) for seed in (1, 2, 3, 4, 5))]
    )
    def test_are_the_same_as_one_over_everything(self, shop: Shop, rebuilt: Shop, seed: int, nights: int) -> None:
        history, accounts = History(seed), random.Random(seed)
        shop.receive(*history.events(300, FIRST, LAST - timedelta(days=40)))
        day = LAST - timedelta(days=40)
        shop.night(day)
        for _ in range(nights):
            day = max(FIRST + timedelta(days=30), min(LAST, day + timedelta(days=history.random.choice((-9, 1, 1, 8, 23)))))
            shop.receive(*history.events(6, day, day), *history.events(4, FIRST, day))
            someone, some_day = history.random.choice(CUSTOMERS_THERE), history.random.choice(history.told)["event_time"].date()
            match history.random.randint(0, 3):
                case 0:
                    remove(shop, f"user_id = '{someone}'", day)
                case 1:
                    remove(shop, f"event_day = '{some_day}' AND user_id < 'c4'", day)
                case 2:
                    remove(shop, f"event_day = '{some_day}'", day)
                case _:
                    shop.run_maintenance(day)
            write_shop(shop.settings, make_shop_rows(accounts, CUSTOMERS_THERE, day))
            shop.night(day, accepted=["freshness"])  # days are left out
        shop.receive(*history.events(3, LAST, LAST))
        last_accounts = make_shop_rows(accounts, CUSTOMERS_THERE, LAST)
        write_shop(shop.settings, last_accounts)
        shop.night(LAST, accepted=["freshness"])
        copy_events(shop, rebuilt)
        write_shop(rebuilt.settings, last_accounts)
        rebuilt.night(LAST, everything=True, accepted=["freshness"])
        one_by_one, at_once = result(shop, LAST), result(rebuilt, LAST)
        for store, wanted in at_once.items():
            assert one_by_one[store] == wanted, store
        # Some were recomputed and others carried over, or this says nothing.
        counted = [re.search(r"(\d+) customers, (\d+) of them recomputed", line) for line in shop.said]
        shares = [int(found[2]) / int(found[1]) for found in counted if found]
        assert len(shares) >= nights, shop.said
        assert 0 < min(shares) < 0.9, shop.said


class TestDocuments:
    pytestmark = stores

    def test_lost_documents_and_lost_files_of_earlier_versions_are_not_needed(self, shop: Shop) -> None:
        """Bob does nothing for days, and his money counts for more with each buyer who spends less. He keeps his history, and
        gets it again if somebody takes it away."""
        bought = {"event_type": "purchase"}
        shop.receive(*(on(day, **bought) for day in range(1, 9)), on(5, "bob", quantity=90, **bought))
        shop.night(day_of(8))
        shop.receive(on(9, **bought))
        shop.night(day_of(9))
        with MongoClient(shop.settings.mongo_url) as client:
            stored = client[shop.settings.mongo_database]
            history = stored.profiles_a.find_one({"_id": "bob"}, HISTORY)
            stored.profiles_a.update_one({"_id": "bob"}, {"$set": {"order_days": 77}})
            shop.receive(on(10, "eve", **bought))
            shop.night(day_of(10))
            bob = stored.profiles_a.find_one({"_id": "bob"})
            assert bob is not None
            assert history is not None
            assert ({key: bob[key] for key in history}, bob["monetary_score"], bob["order_days"]) == (history, 4, 1)
            stored.profiles_b.delete_one({"_id": "bob"})
            stored.profiles_b.insert_one({"_id": "somebody else"})  # so that their number does not tell
        before = shop.files(CUSTOMER_DAY)
        shop.receive(on(11, "fay", **bought), on(6, "ann"))
        shop.night(day_of(11))
        healed = shop.numbers()["profiles"]

        # Nobody knows which customers have changed since the deleted files, so all are recomputed.
        for gone in before - shop.files(CUSTOMER_DAY):
            Path(gone.removeprefix("file:")).unlink()
        shop.receive(on(6, "ann"))
        shop.night(day_of(11))
        recomputed = shop.numbers()["profiles"]
        others = ("bob", "eve", "fay")
        assert set(healed) == set(recomputed) == {"ann", *others}
        assert {name: healed[name] for name in others} == {name: recomputed[name] for name in others}
        assert (healed["ann"]["views"], recomputed["ann"]["views"]) == (1, 2)
        assert [line.split(", ")[1].split()[0] for line in shop.said if line.startswith("  customers")] == [
            "all", "1", "2", "3", "all",
        ]  # fmt: skip
        assert [line.partition(": ")[2] for line in shop.said if line.startswith("  profiles")][-2:] == [
            "4 written, 0 unchanged, 1 removed",
            "3 written, 1 unchanged, 0 removed",
        ]


class TestWhoIsTouched:
    def test_nothing_moves_within_a_day(self) -> None:
        assert find_moved_spans(FIRST, FIRST) == []

    @pytest.mark.parametrize("way", [1, -1])
    def test_days_between_and_those_that_leave_or_enter_a_window(self, way: int) -> None:
        then, day = (LAST, LAST + timedelta(days=2))[::way]
        spans = find_moved_spans(then, day)
        assert spans[0] == (LAST + timedelta(days=1), LAST + timedelta(days=2))
        assert (LAST - timedelta(days=29), LAST - timedelta(days=28)) in spans
        assert (LAST - timedelta(days=89), LAST - timedelta(days=88)) in spans
