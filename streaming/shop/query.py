"""The stream "shop" as a query."""

from __future__ import annotations

from cdp.events.topics import CDC_HEARTBEATS, SHOP_TOPICS
from cdp.lake.shop import SHOP_LAKE_TABLES
from cdp.programs import SHOP_STREAM
from streaming.query import Query
from streaming.shop.account import read_position
from streaming.shop.batch import ShopWriter

SHOP_QUERY = Query(
    name=SHOP_STREAM,
    topics=(*(topic.name for topic in SHOP_TOPICS), CDC_HEARTBEATS.name),
    tables=tuple(SHOP_LAKE_TABLES.values()),
    write_batch=ShopWriter().write_batch,
    read_position=read_position,
    interval="shop_interval_seconds",
    most_messages="shop_batch_messages",
    cores="shop_stream_cores",
)
