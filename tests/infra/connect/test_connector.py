"""The connector's configuration for a shop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cdp.events.topics import SHOP_TABLES, SHOP_TOPICS, name_shop_topic
from cdp.settings import load
from infra.connect.connector import build_config, find_added_tables, read_config
from infra.connect.shop import CapturedTable, Shop, sample_shop
from source_server.shop.tables import TABLES

SETTINGS = load({"CDP_VAR_DIR": "/nonexistent", "CDP_SHOP_CDC_PASSWORD": "very secret"})
SAMPLE = sample_shop(SETTINGS)
OTHER = Shop(
    host="db.example.org",
    port=6432,
    database="webshop",
    user="reader",
    password_variable="CDC_SHOP_PASSWORD",
    tables=(
        CapturedTable("orders", "public.sales_order"),
        CapturedTable("customers", "shop.customers", ("customer_id", "city")),
        CapturedTable("products", "web.product", ("id", "title")),
    ),
    slot="cdc_web",
    publication="cdc_web",
)


@pytest.mark.parametrize("shop", [SAMPLE, OTHER], ids=["sample", "other"])
def test_a_shop_can_be_read_back_from_its_configuration(shop: Shop) -> None:
    assert read_config(build_config(shop)) == shop


def test_no_password_is_in_the_configuration() -> None:
    config = build_config(SAMPLE)
    assert config["database.password"] == "${env:CDC_SAMPLE_SHOP_PASSWORD}"
    assert "very secret" not in str(config)


def test_money_is_text_and_messages_are_sent_once() -> None:
    config = build_config(SAMPLE)
    assert config["decimal.handling.mode"] == "string"
    assert config["exactly.once.support"] == "required"
    assert config["plugin.name"] == "pgoutput"
    assert config["publication.autocreate.mode"] == "disabled"
    assert (config["snapshot.mode"], config["offset.mismatch.strategy"]) == ("when_needed", "trust_offset")
    assert "cdc.heartbeat" in config["heartbeat.action.query"]
    assert "unwrap" not in config.get("transforms", "")


def test_tables_with_other_names_go_to_the_declared_topics() -> None:
    config = build_config(OTHER)
    assert config["transforms"] == "orders,products"
    assert config["transforms.orders.regex"] == r"cdc\.public\.sales_order"
    assert config["transforms.orders.replacement"] == "cdc.shop.orders"
    assert {name_shop_topic(table.name) for table in OTHER.tables} <= {topic.name for topic in SHOP_TOPICS}


def test_every_table_of_the_sample_shop_has_a_topic() -> None:
    assert tuple(sorted(SHOP_TABLES)) == tuple(sorted(table.name for table in TABLES))


def test_only_the_listed_columns_are_read() -> None:
    columns = build_config(OTHER)["column.include.list"].split(",")
    assert columns == [
        r"public\.sales_order\.(.*)",
        r"shop\.customers\.(customer_id|city)",
        r"web\.product\.(id|title)",
        r"cdc\.signals\.(.*)",
    ]
    assert "column.include.list" not in build_config(SAMPLE)


def test_added_tables() -> None:
    less = replace(OTHER, tables=OTHER.tables[:2])
    assert find_added_tables(less, OTHER) == OTHER.tables[2:]
    assert find_added_tables(OTHER, less) == ()
