"""The connector's configuration for a shop, and a shop from the configuration of a registered connector."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cdp.events.topics import CDC, MAX_ROW_BYTES, SHOP_TABLES, name_shop_topic
from infra.connect.shop import CapturedTable, Shop

#: The platform reads one shop, so there is one connector.
CONNECTOR = "shop"
HEARTBEAT_SECONDS = 5
_HEARTBEAT = "INSERT INTO cdc.heartbeat (id, at) VALUES (1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET at = excluded.at"
_SIGNALS = CapturedTable("signals", "cdc.signals")
#: What does not depend on the shop.
_CONSTANT = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "tasks.max": "1",
    "topic.prefix": CDC,
    # Nothing is lost or sent twice, except that a snapshot which is begun again sends its rows again.
    "exactly.once.support": "required",
    "plugin.name": "pgoutput",  # the default is another plugin, which servers do not have
    # The connector's login does not own the tables. If it created the publication, it would take in tables without a key, whose
    # updates Postgres then refuses to the shop.
    "publication.autocreate.mode": "disabled",
    # If the slot is gone, the tables are read again instead of stopping for good.
    "snapshot.mode": "when_needed",
    "offset.mismatch.strategy": "trust_offset",
    "snapshot.locking.mode": "none",
    # Money keeps all its digits only as text.
    "decimal.handling.mode": "string",
    "time.precision.mode": "isostring",
    "tombstones.on.delete": "true",
    "skipped.operations": "none",  # send TRUNCATE too
    "provide.transaction.metadata": "false",
    # Other databases of the server write to the same log. Only a change in this one lets Postgres remove the old log.
    "heartbeat.interval.ms": str(HEARTBEAT_SECONDS * 1000),
    "heartbeat.action.query": _HEARTBEAT,
    "lsn.flush.mode": "connector",
    "signal.enabled.channels": "source",
    "signal.data.collection": _SIGNALS.source,
    # A change is in Kafka after about this time; the default of 500 ms makes it ten times slower.
    "poll.interval.ms": "50",
    # The defaults count rows, so large rows would need more than the heap.
    "max.queue.size.in.bytes": str(16 * 2**20),
    "snapshot.fetch.size": "500",
    "producer.override.max.request.size": str(MAX_ROW_BYTES),
    "status.update.interval.ms": "5000",
    "errors.max.retries": "-1",  # wait for a database that is away, however long
    "retriable.restart.connector.wait.ms": "2000",
}


def build_config(shop: Shop) -> dict[str, str]:
    routes = [table for table in shop.tables if table.source != f"shop.{table.name}"]
    config = _CONSTANT | {
        "database.hostname": shop.host,
        "database.port": str(shop.port),
        "database.dbname": shop.database,
        "database.user": shop.user,
        "database.password": f"${{env:{shop.password_variable}}}",
        "slot.name": shop.slot,
        "publication.name": shop.publication,
        "table.include.list": ",".join(map(re.escape, shop.sources)),
    }
    if any(table.columns for table in shop.tables):
        # Debezium applies the list to its own table, too, and would see requests without content.
        columns = [*map(_build_columns, shop.tables), _build_columns(_SIGNALS)]
        config["column.include.list"] = ",".join(columns)
    if routes:
        config["transforms"] = ",".join(table.name for table in routes)
    for table in routes:
        config |= {
            f"transforms.{table.name}.type": "org.apache.kafka.connect.transforms.RegexRouter",
            f"transforms.{table.name}.regex": re.escape(f"{CDC}.{table.source}"),
            f"transforms.{table.name}.replacement": name_shop_topic(table.name),
        }
    return config


def _build_columns(table: CapturedTable) -> str:
    return f"{re.escape(table.source)}\\.({'|'.join(table.columns) or '.*'})"


def read_config(config: Mapping[str, str]) -> Shop:
    """The shop of which `build_config` made this configuration."""
    routes = {
        _unescape(config[f"transforms.{name}.regex"]).removeprefix(f"{CDC}."): name
        for name in config.get("transforms", "").split(",")
        if name
    }
    columns = _read_columns(config.get("column.include.list", ""))
    sources = map(_unescape, config["table.include.list"].split(","))
    return Shop(
        host=config["database.hostname"],
        port=int(config["database.port"]),
        database=config["database.dbname"],
        user=config["database.user"],
        password_variable=config["database.password"].removeprefix("${env:").removesuffix("}"),
        tables=tuple(
            CapturedTable(routes.get(source, source.removeprefix("shop.")), source, columns.get(source, ())) for source in sources
        ),
        slot=config["slot.name"],
        publication=config["publication.name"],
    )


def _unescape(pattern: str) -> str:
    return pattern.replace("\\", "")


def _read_columns(text: str) -> dict[str, tuple[str, ...]]:
    """Columns by table from patterns like shop\\.orders\\.(id|total)."""
    pairs = (part.rpartition("\\.(") for part in text.split(",") if part)
    return {
        _unescape(source): tuple(columns.removesuffix(")").split("|"))
        for source, _, columns in pairs
        if columns != ".*)"
    }  # fmt: skip


def find_added_tables(old: Shop, new: Shop) -> tuple[CapturedTable, ...]:
    """Tables that the connector did not read before; it sends their present rows only after a signal."""
    return tuple(table for table in new.tables if table.source not in old.sources)


assert all(name.isidentifier() for name in SHOP_TABLES), "the names are used as names of transforms"
