"""What a transaction changes in the shop's tables, before it is written anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from source_server.shop.tables import BY_NAME, ShopTable

#: An event of the contract, as JSON.
Event = dict[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A row that is inserted, updated or deleted. `values` has all columns of a new row, else those that change."""

    kind: Literal["insert", "update", "delete"]
    table: ShopTable
    key: tuple[Any, ...]
    values: dict[str, Any]


@dataclass(slots=True)
class Transaction:
    """Changes that are committed together, and the events of the visit at the same moment."""

    at: datetime
    changes: list[Change] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.changes or self.events)

    def insert(self, table: str, **values: Any) -> None:
        described = BY_NAME[table]
        self.changes.append(Change("insert", described, described.key_of(values), values))

    def update(self, table: str, *key: Any, **values: Any) -> None:
        self.changes.append(Change("update", BY_NAME[table], key, values))

    def delete(self, table: str, *key: Any) -> None:
        self.changes.append(Change("delete", BY_NAME[table], key, {}))

    def of(self, table: str) -> Iterator[Change]:
        return (change for change in self.changes if change.table.name == table)
