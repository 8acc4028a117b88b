"""Experiments: which arm a customer is in. The same everywhere, without a table: a hash of the experiment's salt and the id."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cdp.postgres import TABLE_EXISTS

#: The site's tables, made by its migrations.
EXPERIMENT_TABLE, ARM_TABLE = "recommend_experiment", "recommend_arm"
BUCKETS = 10_000
#: What an arm may serve instead of the model that the gate chose.
SERVES = ("champion", "popular", "popular-in-category", "als", "seen-together", "alike")


class Cursor(Protocol):
    """What psycopg and Django have in common."""

    def execute(self, query: str, parameters: Any = None, /) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def fetchone(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Arm:
    """`share` is in hundredths of a percent of all customers; the shares of an experiment may leave customers out."""

    name: str
    serves: str
    share: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """The first arm is the control."""

    key: str  # names it in messages, and is the salt of the hash
    place: str  # of the shop's pages; empty: all
    starts_at: datetime
    ends_at: datetime
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """The time for which an experiment is planned."""

    key: str
    starts_at: datetime
    ends_at: datetime


def find_bucket(salt: str, customer_id: str) -> int:
    digest = hashlib.blake2b(f"{salt}:{customer_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % BUCKETS


def find_arm(experiment: Experiment, customer_id: str) -> Arm | None:
    """None if the customer takes no part."""
    bucket, end = find_bucket(experiment.key, customer_id), 0
    for arm in experiment.arms:
        end += arm.share
        if bucket < end:
            return arm
    return None


def read_experiments(cursor: Cursor, now: datetime) -> Sequence[Experiment]:
    """Those that run now, by key; none if the site was never started."""
    if not _has_table(cursor):
        return []
    cursor.execute(
        f"SELECT e.key, e.place, e.starts_at, e.ends_at, a.name, a.serves, a.share"
        f" FROM {EXPERIMENT_TABLE} e JOIN {ARM_TABLE} a ON a.experiment_id = e.id"
        f" WHERE e.is_active AND e.starts_at <= %s AND e.ends_at > %s ORDER BY e.key, a.position, a.id",
        [now, now],
    )
    arms: dict[tuple[Any, ...], list[Arm]] = {}
    for *experiment, name, serves, share in cursor.fetchall():
        arms.setdefault(tuple(experiment), []).append(Arm(name, serves, share))
    return [
        Experiment(key, place, starts_at, ends_at, tuple(of_one)) for (key, place, starts_at, ends_at), of_one in arms.items()
    ]


def read_periods(cursor: Cursor, start: datetime, end: datetime) -> Sequence[Period]:
    """Of all experiments, stopped ones too, whose time overlaps this one."""
    if not _has_table(cursor):
        return []
    cursor.execute(
        f"SELECT key, starts_at, ends_at FROM {EXPERIMENT_TABLE} WHERE starts_at < %s AND ends_at > %s ORDER BY key",
        [end, start],
    )
    return [Period(*row) for row in cursor.fetchall()]


def _has_table(cursor: Cursor) -> bool:
    """Whether the site was ever started."""
    cursor.execute(TABLE_EXISTS, [ARM_TABLE])
    return bool(cursor.fetchone()[0])
