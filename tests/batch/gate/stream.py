"""Writes batches as the stream does: into the events, and then into the ledger."""

from __future__ import annotations

from typing import Any

from cdp.lake.paths import EVENTS, table_url
from tests.batch.shop import Shop

STREAM = "a-stream"


class Stream:
    """`batch` is the last batch that it has written."""

    def __init__(self, shop: Shop, batch: int = -1) -> None:
        self.shop, self.batch = shop, batch

    def write(self, *events: dict[str, Any], in_ledger: bool = True, good: int | None = None) -> None:
        self.batch += 1
        self.append(STREAM, self.batch, *({"event_id": f"{self.batch}-{place}"} | event for place, event in enumerate(events)))
        if in_ledger:
            self.write_ledger(len(events) if good is None else good)

    def append(self, writer: str, batch: int, *events: dict[str, Any]) -> None:
        rows = self.shop._events(*events).write.format("delta").mode("append").partitionBy("event_day")
        rows.option("txnAppId", writer).option("txnVersion", batch).save(table_url(self.shop.settings, EVENTS))

    def write_ledger(self, good: int) -> None:
        self.shop.rows(
            "INSERT INTO mart.stream_ledger (stream, batch, topic, hour, received, good, quarantined, reasons, late, partitions)"
            f" VALUES ('{STREAM}', {self.batch}, 't', '2019-10-03 05:00Z', {good}, {good}, 0, '{{}}', '{{}}', '{{}}') RETURNING 1"
        )
