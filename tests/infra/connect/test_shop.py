"""The file that describes a shop's database: what it may say, and the place that each error names."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp.events.topics import SHOP_TABLES
from cdp.settings import load
from infra.connect.shop import SAMPLE_PASSWORD, CapturedTable, ShopFileError, parse_shop, read_shop_file, sample_shop

GOOD = """\
[database]
host = "db.example.org"
name = "webshop"
password = "CDC_SHOP_PASSWORD"

[tables]
orders = "public.sales_order"
customers = { table = "public.people", columns = ["id", "name", "id"] }
"""


def test_a_file_with_defaults() -> None:
    shop = parse_shop(GOOD.encode(), "shop.toml")
    assert (shop.host, shop.port, shop.database, shop.user) == ("db.example.org", 5432, "webshop", "cdc")
    assert (shop.slot, shop.publication, shop.password_variable) == ("cdc_shop", "cdc_shop", "CDC_SHOP_PASSWORD")
    assert shop.tables == (
        CapturedTable("orders", "public.sales_order"),
        CapturedTable("customers", "public.people", ("id", "name")),
    )
    assert not shop.is_sample


def test_the_sample_shop_has_every_table_that_has_a_topic() -> None:
    shop = sample_shop(load({"CDP_VAR_DIR": "/nonexistent"}))
    assert tuple(table.name for table in shop.tables) == SHOP_TABLES
    assert shop.sources == tuple(f"shop.{name}" for name in SHOP_TABLES)
    assert shop.is_sample


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("[database]", "[databse]", "databse"),
        ('host = "db.example.org"\n', "", "database.host"),
        ('host = "db.example.org"', 'host = ""', "database.host"),
        ('name = "webshop"', 'name = "webshop"\nport = "5432"', "database.port"),
        ('name = "webshop"', 'name = "webshop"\nport = 70000', "database.port"),
        ('name = "webshop"', 'name = "webshop"\nport = true', "database.port"),
        ('name = "webshop"', 'name = "webshop"\nslot = "Shop"', "database.slot"),
        ('name = "webshop"', 'name = "webshop"\npasswd = "x"', "database.passwd"),
        ("CDC_SHOP_PASSWORD", "hunter2", "database.password"),
        ("CDC_SHOP_PASSWORD", SAMPLE_PASSWORD, "database.password"),
        ("orders =", "order =", "tables.order"),
        ("public.sales_order", "sales_order", "tables.orders.table"),
        ('"public.sales_order"', "7", "tables.orders"),
        ("public.people", "public.sales_order", "tables.customers"),
        ('["id", "name", "id"]', "[]", "tables.customers.columns"),
        ('["id", "name", "id"]', '"id"', "tables.customers.columns"),
        ('["id", "name", "id"]', '["id;"]', "tables.customers.columns"),
        ("columns =", "column =", "tables.customers.column"),
        (GOOD[GOOD.index("[tables]") :], "", "[tables]"),
        (GOOD[GOOD.index("orders") :], "", "tables"),
    ],
)
def test_an_error_names_the_place(old: str, new: str, place: str) -> None:
    assert old in GOOD
    with pytest.raises(ShopFileError) as caught:
        parse_shop(GOOD.replace(old, new, 1).encode(), "shop.toml")
    assert str(caught.value).startswith(f"shop.toml: {place} ")


def test_a_file_that_is_not_toml_and_one_that_is_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(ShopFileError, match=r"^shop\.toml is not valid TOML: .*line 1"):
        parse_shop(b"[database\n", "shop.toml")
    with pytest.raises(ShopFileError, match=r"absent\.toml is neither a file"):
        read_shop_file(tmp_path / "absent.toml")
    with pytest.raises(ShopFileError, match="did you mean 'status'"):
        read_shop_file(Path("statsu"))
    with pytest.raises(ShopFileError, match="can't be read"):
        read_shop_file(tmp_path)
