"""Results of recommendations equal a recomputation in plain Python, on made lists, clicks and orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from batch.recommend.records import connect
from batch.recommend.results import DAYS_BACK, NoExposures, Span, compute_results, fill_tables, find_results
from batch.recommend.retention import Deleted
from cdp.lake.paths import EVENTS, EXPOSURES, table_url
from cdp.mart.recommend import RESULT_ARM, RESULT_DAY, RESULT_SHOP, SEEN
from cdp.recommend.experiments import Arm, Experiment, Period, find_arm
from cdp.settings import Settings, load
from tests import databases

LAST = date(2026, 3, 10)
SPAN = Span(LAST - timedelta(days=DAYS_BACK), LAST)
HOURS = 24
START = datetime(2026, 2, 25, 12, tzinfo=UTC)
TIME = pa.timestamp("us", "UTC")
#: One goes on after the day, one ended before it.
PERIODS = (
    Period("long", START, START + timedelta(days=40)),
    Period("short", START, datetime(2026, 3, 8, 6, tzinfo=UTC)),
)
ARMS = (Arm("control", "popular", 4_000), Arm("new", "champion", 4_000))
_TEXT = ("kind", "exposure_id", "product_id", "customer_id", "place", "list_name", "source", "experiment", "arm")
MESSAGE_SCHEMA = pa.schema(
    [("day", pa.date32()), ("at", TIME), *((name, pa.string()) for name in _TEXT), ("products", pa.list_(pa.string()))]
)
EVENT_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()), ("event_day", pa.date32()), ("event_time", TIME), ("event_type", pa.string()),
        ("product_id", pa.string()), ("user_id", pa.string()), ("revenue", pa.decimal128(18, 2)), ("received_at", TIME),
        ("kafka_topic", pa.string()), ("kafka_partition", pa.int32()), ("kafka_offset", pa.int64()),
    ]
)  # fmt: skip
Row = dict[str, Any]


@dataclass
class Made:
    """What was sent, some of it twice."""

    rng: Random = field(default_factory=lambda: Random(11))
    messages: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)

    def make(self) -> Made:
        for number in range(900):
            self._make_list(number)
        for number in range(1_500):
            self._make_event(number)
        self.messages += self.rng.sample(self.messages, 100)
        self.events += [row | {"kafka_offset": row["kafka_offset"] + 10_000} for row in self.rng.sample(self.events, 100)]
        self.rng.shuffle(self.messages)
        self.rng.shuffle(self.events)
        return self

    def _make_list(self, number: int) -> None:
        rng, at = self.rng, START + timedelta(seconds=self.rng.randrange(13 * 86_400))
        customer, key = rng.choice(["", *(f"c{each}" for each in range(25))]), rng.choice(["", "long", "short"])
        arm = find_arm(Experiment(key, "", at, at, ARMS), customer) if key else None
        products = rng.sample([f"p{each}" for each in range(8)], 4)
        context = {
            "customer_id": customer, "place": rng.choice(["home", "cart"]), "list_name": "for-you", "source": rng.choice("ab"),
            "experiment": key if arm else "", "arm": arm.name if arm else "",
        }  # fmt: skip
        self._send("served", number, at, products=products, **context)
        if rng.random() < 0.6:
            self._send("seen", number, at + timedelta(seconds=2))
        for _ in range(rng.choice([0, 0, 1, 3])):
            clicked = rng.choice([*products, "p9"])
            self._send("click", number, at + timedelta(seconds=rng.randrange(1, 9_000)), product_id=clicked)

    def _send(self, kind: str, number: int, at: datetime, **fields: Any) -> None:
        empty = dict.fromkeys(_TEXT, "") | {"products": []}
        self.messages.append(empty | {"kind": kind, "exposure_id": f"e{number}", "at": at, "day": at.date()} | fields)

    def _make_event(self, number: int) -> None:
        rng, at = self.rng, START + timedelta(seconds=self.rng.randrange(13 * 86_400))
        event = {
            "event_id": f"i{number}", "event_day": at.date(), "event_time": at, "product_id": f"p{rng.randrange(10)}",
            "event_type": rng.choice(["purchase", "purchase", "view"]), "user_id": f"c{rng.randrange(30)}",
            "revenue": Decimal(rng.randrange(100, 9_999)) / 100, "received_at": at, "kafka_topic": "events.raw",
            "kafka_partition": 0, "kafka_offset": number,
        }  # fmt: skip
        self.events.append(event)

    def tables(self) -> dict[str, pa.Table]:
        return {
            EXPOSURES: pa.Table.from_pylist(self.messages, MESSAGE_SCHEMA),
            EVENTS: pa.Table.from_pylist(self.events, EVENT_SCHEMA),
        }


@pytest.fixture(scope="module")
def made() -> Made:
    return Made().make()


# ---------------------------------------------------------------- the recomputation


def end_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(days=1)


def find_lists(made: Made) -> dict[str, Row]:
    """Lists by id, with the first times of what happened to them."""
    until = [each for each in made.messages if each["at"] < end_of(LAST)]
    lists = {each["exposure_id"]: each | {"seen": [], "clicks": defaultdict(list)} for each in until if each["kind"] == "served"}
    for each in until:
        one = lists[each["exposure_id"]]
        if each["kind"] == "seen" or (each["kind"] == "click" and each["product_id"] in one["products"]):
            one["seen"].append(each["at"])
        if each["kind"] == "click" and each["product_id"] in one["products"]:
            one["clicks"][each["product_id"]].append(each["at"])
    return lists


def find_orders(made: Made) -> list[Row]:
    orders = {each["event_id"]: each for each in made.events if each["event_type"] == "purchase"}
    return [each for each in orders.values() if each["event_time"] < end_of(LAST)]


def attribute(lists: dict[str, Row], orders: Sequence[Row]) -> dict[str, list[Decimal]]:
    """The value of each line by the list that it belongs to."""
    found = defaultdict(list)
    for order in orders:
        clicks = [
            (min(times), name)
            for name, one in lists.items()
            for product, times in one["clicks"].items()
            if one["customer_id"] == order["user_id"] and product == order["product_id"] and min(times) <= order["event_time"]
        ]
        if clicks and order["event_time"] - max(clicks)[0] <= timedelta(hours=HOURS):
            found[max(clicks)[1]].append(order["revenue"])
    return found


def recompute_days(made: Made) -> list[tuple[Any, ...]]:
    lists = find_lists(made)
    lines, groups = attribute(lists, find_orders(made)), defaultdict(list)
    for one in lists.values():
        if one["day"] >= SPAN.first:
            groups[tuple(one[name] for name in ("day", "place", "list_name", "source", "experiment", "arm"))].append(one)
    rows = []
    for key, group in groups.items():
        seen = [one for one in group if one["seen"]]
        money = [value for one in group for value in lines.get(one["exposure_id"], [])]
        customers = {one["customer_id"] for one in seen} - {""}
        clicked = sum(bool(one["clicks"]) for one in group)
        rows.append((*key, len(group), len(seen), clicked, len(customers), len(money), sum(money, Decimal(0))))
    return sorted(rows)


def recompute_arms(made: Made) -> list[tuple[Any, ...]]:
    lists, orders, rows = find_lists(made), find_orders(made), []
    for period in PERIODS:
        end = min(period.ends_at, end_of(LAST))
        for arm in ARMS:
            groups = defaultdict(list)
            for one in lists.values():
                if (one["experiment"], one["arm"]) == (period.key, arm.name) and one["customer_id"] and one["at"] < end:
                    groups[one["customer_id"]].append(one)
            sums = []
            for customer, group in groups.items():
                times = [at for one in group for at in one["seen"]]
                values = [
                    each["revenue"]
                    for each in orders
                    if times and each["user_id"] == customer and min(times) <= each["event_time"] < end
                ]
                sums.append((len([one for one in group if one["seen"]]), sum(bool(one["clicks"]) for one in group), values))
            rows.append(
                (
                    period.key, arm.name, LAST, len(groups), sum(seen > 0 for seen, _, _ in sums),
                    sum(seen for seen, _, _ in sums), sum(seen**2 for seen, _, _ in sums),
                    sum(clicked for _, clicked, _ in sums), sum(clicked**2 for _, clicked, _ in sums),
                    sum(seen * clicked for seen, clicked, _ in sums), sum(bool(values) for _, _, values in sums),
                    sum(sum(values) for _, _, values in sums), sum(sum(values) ** 2 for _, _, values in sums),
                )
            )  # fmt: skip
    return sorted(rows)


def recompute_shop(made: Made) -> list[tuple[Any, ...]]:
    rows = []
    for back in range(DAYS_BACK, -1, -1):
        day = LAST - timedelta(days=back)
        customers = {each["user_id"] for each in made.events if each["event_day"] == day}
        money = [each["revenue"] for each in find_orders(made) if each["event_day"] == day]
        rows.append((day, len(customers), len(money), sum(money)))
    return rows


def test_results_are_those_of_the_recomputation(made: Made) -> None:
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    fill_tables(duck, START.date(), SPAN, made.tables())
    results = find_results(duck, SPAN, HOURS, PERIODS)
    assert results[RESULT_DAY] == recompute_days(made)
    assert results[RESULT_ARM] == recompute_arms(made)
    assert results[RESULT_SHOP] == recompute_shop(made)
    assert sum(row[-2] for row in results[RESULT_DAY]) > 20, "some lines are attributed"
    assert len(results[RESULT_ARM]) == len(PERIODS) * len(ARMS)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with databases.database(load()) as settings:
        yield replace(settings, hdfs_url=f"file:{tmp_path}", recommend_click_hours=HOURS)


def write_lake(settings: Settings, made: Made) -> None:
    for name, rows in made.tables().items():
        partition = ["day"] if name == EXPOSURES else None
        write_deltalake(table_url(settings, name), rows, partition_by=partition)


@pytest.mark.stack("postgres")
def test_a_repeated_day_replaces_its_rows(settings: Settings, made: Made) -> None:
    with pytest.raises(NoExposures):
        compute_results(settings, LAST)
    write_lake(settings, made)
    for day in (LAST, LAST - timedelta(days=1), LAST):
        compute_results(settings, day)
    rows = databases.rows(settings, f"SELECT * FROM {RESULT_DAY.full_name} WHERE day >= '{SPAN.first}'")
    assert sorted(rows) == recompute_days(made)
    assert len(databases.rows(settings, f"SELECT * FROM {RESULT_SHOP.full_name}")) == DAYS_BACK + 2


@pytest.mark.stack("postgres")
def test_lists_are_deleted_after_their_retention_and_results_stay(settings: Settings, made: Made) -> None:
    write_lake(settings, made)
    compute_results(settings, LAST)
    results = databases.rows(settings, f"SELECT * FROM {RESULT_DAY.full_name}")
    with connect(settings) as connection:
        times = ["old", START, "new", START + timedelta(days=60)]
        connection.cursor().execute(f"INSERT INTO {SEEN.full_name} VALUES (%s, %s), (%s, %s)", times)
    later = LAST + timedelta(days=60)
    compute_results(replace(settings, recommend_exposure_days=57), later)
    kept = later - timedelta(days=DAYS_BACK + 57)
    table = DeltaTable(table_url(settings, EXPOSURES)).to_pyarrow_table(columns=["day"])
    assert set(table["day"].to_pylist()) == {message["day"] for message in made.messages if message["day"] >= kept}
    assert databases.rows(settings, f"SELECT exposure_id FROM {SEEN.full_name}") == [("new",)]
    with pytest.raises(Deleted, match=f"HDFS has those since {kept}"):
        compute_results(settings, kept)
    assert databases.rows(settings, f"SELECT * FROM {RESULT_DAY.full_name}") == results
