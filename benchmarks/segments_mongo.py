"""The peer MongoDB: a document per customer with the metrics and the interactions. It answers the rules that a filter can say;
the stand-in is not a peer, so this runs only where CDP_MONGO_URL names a real server."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
from bson.decimal128 import Decimal128
from pymongo import MongoClient
from pymongo.collection import Collection

from benchmarks.segments_data import DAY
from benchmarks.segments_postgres import SECONDS_A_RULE, PeerTimes, list_metrics
from benchmarks.segments_rules import RULES
from benchmarks.segments_site import REPETITIONS
from cdp.rules import All, Behaviour, Compare, Rule
from cdp.rules import Any as AnyOf
from cdp.rules.windows import find_days
from cdp.settings import Settings

COLLECTION = "bench_segments"
ROWS_AT_A_TIME = 20_000
_COMPARES = {"eq": "$eq", "ge": "$gte", "gt": "$gt", "in": "$in"}


def is_real(settings: Settings) -> bool:
    """The stand-in reports no storage engines."""
    if "CDP_MONGO_URL" not in os.environ:
        return False
    with MongoClient[dict[str, Any]](settings.mongo_url) as client:
        return "storageEngines" in client.admin.command("buildInfo")


def measure_profiles(settings: Settings, snapshot: Path) -> dict[str, PeerTimes]:
    with MongoClient[dict[str, Any]](settings.mongo_url) as client:
        profiles = client[settings.mongo_database][COLLECTION]
        fill_profiles(profiles, snapshot)
        filters = {each.name: build_filter(each.rule) for each in RULES}
        times = {name: measure_filter(profiles, each) for name, each in filters.items() if each is not None}
        profiles.drop()
    return times


def fill_profiles(profiles: Collection[dict[str, Any]], snapshot: Path) -> None:
    fields = "event_type := event_type, day := CAST(day AS VARCHAR), category_1 := category_1, brand := brand"
    query = f"""
        SELECT customer_id AS _id, {", ".join(list_metrics())}, did FROM customers JOIN (
            SELECT customer, list(struct_pack({fields})) AS did FROM interactions GROUP BY customer) USING (customer)"""
    profiles.drop()
    with duckdb.connect(str(snapshot), read_only=True) as duck:
        cursor = duck.execute(query)
        names = [column[0] for column in cursor.description or ()]
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            profiles.insert_many([{name: _convert(v) for name, v in zip(names, row, strict=True)} for row in rows], ordered=False)
    for name in list_metrics():
        profiles.create_index(name)
    profiles.create_index([("did.event_type", 1), ("did.category_1", 1), ("did.day", 1)])


def _convert(value: Any) -> Any:
    if isinstance(value, Decimal):
        return Decimal128(value)
    return value.isoformat() if isinstance(value, date) else value


def measure_filter(profiles: Collection[dict[str, Any]], query: dict[str, Any]) -> PeerTimes:
    ids = sorted(each["_id"] for each in profiles.find(query, {"_id": 1}))
    seconds: list[float] = []
    while len(seconds) < REPETITIONS and sum(seconds) + median(seconds or [0.0]) < SECONDS_A_RULE:
        start = time.monotonic()
        profiles.count_documents(query)
        seconds.append(time.monotonic() - start)
    return PeerTimes(len(ids), hashlib.md5(",".join(ids).encode()).hexdigest(), seconds)


def build_filter(rule: Rule) -> dict[str, Any] | None:
    """None for a rule that a filter can't say."""
    match rule:
        case All(children) | AnyOf(children):
            parts = [build_filter(child) for child in children]
            return None if None in parts else {"$and" if isinstance(rule, All) else "$or": parts}
        case Compare(field, operator) if operator in _COMPARES:
            value = list(rule.values) if operator == "in" else _convert(rule.value)
            return {field: {_COMPARES[operator]: value, "$ne": None}}
        case Compare(field, "between"):
            return {field: {"$gte": rule.values[0], "$lte": rule.values[1]}}
        case Behaviour(_, "events", ("ge" | "eq") as operator, (0 | 1) as value) if (operator == "ge") == (value == 1):
            return _build_did(rule, is_done=operator == "ge")
    return None


def _build_did(leaf: Behaviour, *, is_done: bool) -> dict[str, Any]:
    first, last = find_days(leaf.window, DAY)
    days = {"$lte": last.isoformat(), **({"$gte": first.isoformat()} if first else {})}
    did = {"event_type": leaf.step.event, "day": days, **{each.field: each.value for each in leaf.step.filters}}
    match_one = {"$elemMatch": did}
    return {"did": match_one if is_done else {"$not": match_one}}
