"""A publication on real Redis and Postgres, with a lake on the local disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest
import redis
from deltalake import DeltaTable, write_deltalake

from batch.recommend import __main__ as program
from batch.recommend.online import RedisProblem
from batch.recommend.publish import publish
from cdp.lake.paths import CUSTOMER_FEATURES, INTERACTIONS, PRODUCT_FEATURES, RECOMMENDATIONS, table_url
from cdp.recommend.online import POINTER, OnlineCustomer, decode_customer, name_customer, parse_pointer
from cdp.recommend.publications import Publication, read_publication
from cdp.settings import REPOSITORY, Settings
from tests.batch.recommend.made import CUSTOMERS, INTERACTION_SCHEMA, LAST, make_groups
from tests.batch.recommend.test_main import TRAIN
from tests.databases import rows

pytestmark = [pytest.mark.stack("postgres", "redis"), pytest.mark.usefixtures("lake")]


def read_lake(settings: Settings, table: str) -> list[dict[str, object]]:
    return DeltaTable(table_url(settings, table)).to_pyarrow_table().to_pylist()


def read_serving(settings: Settings, store: redis.Redis) -> Publication:
    pointer = store.get(POINTER)
    assert pointer
    return read_publication(settings, parse_pointer(pointer).publication)


def read_customer(store: redis.Redis, publication: Publication, customer_id: str) -> OnlineCustomer:
    customer = decode_customer(store.hgetall(name_customer(publication.name, customer_id)))
    assert customer, customer_id
    return customer


def test_what_is_online_is_what_is_in_the_lake(settings: Settings, store: redis.Redis) -> None:
    assert program.main(TRAIN) == program.main(["evaluate"]) == 0
    assert publish(settings, LAST).pointer.for_you == "seen-together"
    publication = read_serving(settings, store)
    ids = publication.part.product_ids
    features = {str(row["customer_id"]): row for row in read_lake(settings, CUSTOMER_FEATURES)}
    places: dict[str, list[tuple[int, str]]] = {customer: [] for customer in features}
    for row in read_lake(settings, RECOMMENDATIONS):
        places[str(row["customer_id"])].append((int(str(row["place"])), str(row["product_id"])))
    assert len(features) == CUSTOMERS
    for customer_id, row in features.items():
        online = read_customer(store, publication, customer_id)
        listed = ids[online.for_you].tolist()
        assert [product for _, product in sorted(places[customer_id])] == listed
        assert [place for place, _ in sorted(places[customer_id])] == list(range(1, len(listed) + 1))
        assert ids[online.products].tolist() == row["products"]
        assert online.strengths.tolist() == row["strengths"]
        assert ids[online.bought].tolist() == row["bought"]
        assert not set(listed) & set(ids[online.buy_again].tolist())
        group = f"p{int(customer_id[1:]) % 8}-"
        assert all(product.startswith(group) for product in listed)
    products = {row["product_id"]: row for row in read_lake(settings, PRODUCT_FEATURES)}
    assert [float(str(products[product]["price"])) * 100 for product in ids.tolist()] == publication.price.tolist()
    assert [products[product]["popularity_7"] for product in ids.tolist()] == publication.popularity_7.tolist()
    ((version, customers),) = rows(settings, "SELECT lake_version, customers FROM recommend.publication")
    full = sum(len(one) >= 10 for one in places.values())
    assert (version, customers) == (DeltaTable(table_url(settings, RECOMMENDATIONS)).version(), full)


def test_the_same_publication_again_changes_nothing_until_redis_is_emptied(settings: Settings, store: redis.Redis) -> None:
    first = publish(settings, LAST)
    assert (first.existed, first.pointer.model, first.pointer.for_you) == (False, "", "popular-in-category")
    before = rows(settings, "SELECT * FROM recommend.publication")
    assert publish(settings, LAST).existed
    assert rows(settings, "SELECT * FROM recommend.publication") == before
    store.delete(name_customer(first.pointer.publication, "c7"))
    assert not publish(settings, LAST).existed
    online = read_customer(store, read_serving(settings, store), "c7")
    store.flushdb()
    assert publish(settings, LAST).pointer == first.pointer
    again = read_customer(store, read_serving(settings, store), "c7")
    assert again.for_you.tolist() == online.for_you.tolist()
    assert 0 < store.ttl(name_customer(first.pointer.publication, "c7")) <= 3 * 24 * 3600
    assert len(DeltaTable(table_url(settings, RECOMMENDATIONS)).history()) == 1


def test_old_publications_go(settings: Settings, store: redis.Redis) -> None:
    names = []
    for day in (LAST - timedelta(days=back) for back in (3, 2, 1, 0)):
        keep_until(settings, day)
        names.append(publish(settings, day).pointer.publication)
    folders = settings.state_dir / "models" / "publications"
    assert sorted(folder.name for folder in folders.iterdir()) == names[1:]
    online = {key.decode().split(":")[1] for key in store.scan_iter(match="rec:*:*")}
    assert online == set(names[-2:]), "the one before may still answer a request"


def keep_until(settings: Settings, day: date) -> None:
    """Only the interactions up to the day, as if no later night had run."""
    kept = [row for row in make_groups()[0] if row["day"] <= day]
    write_deltalake(table_url(settings, INTERACTIONS), pa.Table.from_pylist(kept, INTERACTION_SCHEMA), mode="overwrite")


def test_a_full_redis_is_refused_before_anything_is_written(settings: Settings, store: redis.Redis) -> None:
    limit = store.config_get("maxmemory")["maxmemory"]
    store.config_set("maxmemory", int(store.info("memory")["used_memory"]) + 10_000)
    try:
        with pytest.raises(RedisProblem, match="CDP_REDIS_MAXMEMORY"):
            publish(settings, LAST)
    finally:
        store.config_set("maxmemory", limit)
    assert list(store.scan_iter(match="rec:*")) == []
    assert not DeltaTable.is_deltatable(table_url(settings, RECOMMENDATIONS))


#: Kills itself when a step has done half of its work, or right before it.
KILLED = """
import os, signal, sys
from unittest.mock import patch
from batch.recommend import __main__ as program
def kill(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
sys.argv.pop(0)
patch(sys.argv.pop(0), kill).start()
sys.exit(program.main(sys.argv))
"""
STEPS = (
    "cdp.recommend.publications.np.savez",  # half of the folder
    "batch.recommend.publish.write_tables",
    "batch.recommend.lake._make_places",  # two of three tables
    "batch.recommend.publish.online.renew_customers",
    "batch.recommend.publish.records.record_publication",
    "batch.recommend.publish.Pointer.to_json",
    "batch.recommend.publish._remove_folders",
)


def run_killed(settings: Settings, step: str, *arguments: str) -> None:
    changes = {
        "CDP_VAR_DIR": settings.var_dir, "CDP_HDFS_URL": settings.hdfs_url, "CDP_REDIS_URL": settings.redis_url,
        "CDP_POSTGRES_DATABASE": settings.postgres_database, "CDP_POSTGRES_PASSWORD": settings.postgres_password,
        "CDP_STACK": settings.stack,
    }  # fmt: skip
    environment = os.environ | {name: str(value) for name, value in changes.items()}
    process = subprocess.run(
        [sys.executable, "-c", KILLED, step, *arguments], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert process.returncode == -signal.SIGKILL, process.stderr


def test_a_publication_that_is_killed_anywhere_changes_nothing_for_readers(settings: Settings, store: redis.Redis) -> None:
    keep_until(settings, LAST - timedelta(days=1))
    old = publish(settings, LAST - timedelta(days=1)).pointer
    keep_until(settings, LAST)
    pointer = store.get(POINTER)
    for step in STEPS[:-1]:
        run_killed(settings, step, "publish", "--day", str(LAST))
        assert store.get(POINTER) == pointer, step
        assert read_customer(store, read_publication(settings, old.publication), "c7").for_you.size
    run_killed(settings, STEPS[-1], "publish", "--day", str(LAST))
    assert read_serving(settings, store).name != old.publication
    assert read_customer(store, read_serving(settings, store), "c7").for_you.size
    assert publish(settings, LAST).existed
    assert len(rows(settings, "SELECT FROM recommend.publication")) == 2


def test_a_training_that_is_killed_anywhere_is_completed(settings: Settings) -> None:
    steps = ("cdp.recommend.parts.np.savez", "cdp.recommend.store.name_version", "cdp.recommend.store.point",
             "batch.recommend.__main__.records.record_version")  # fmt: skip
    for step in steps:
        run_killed(settings, step, *TRAIN)
        assert rows(settings, "SELECT FROM recommend.version") == []
    assert program.main(TRAIN) == 0
    assert len(rows(settings, "SELECT FROM recommend.version")) == 1
    for step in ("cdp.recommend.store.replace_text", "batch.recommend.__main__.store.point"):
        run_killed(settings, step, "evaluate")
        assert not (settings.state_dir / "models" / "champion").exists()
    assert program.main(["evaluate"]) == 0
    assert (settings.state_dir / "models" / "champion").exists()


def test_publishing_without_postgres_says_so(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "current", lambda: replace(settings, postgres_port=1))
    assert program.main(["publish", "--day", str(LAST)]) == 1
    assert "./run status postgres" in capsys.readouterr().err
