"""From a file to rows: the values as the database's messages have them, and the faults that refuse a file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from source_server.diff.columns import column_types
from source_server.diff.export import Export
from source_server.diff.options import ExportOptions, make_options, parse_renames, read_declarations
from source_server.intake.mapping import Shape
from source_server.intake.refusal import FileRefused
from source_server.shop.tables import TABLES
from tests.source_server.diff.conftest import TABLE, Write

OPTIONS = make_options(TABLE)


def read_rows(path: Path, options: ExportOptions = OPTIONS) -> list[dict[str, Any]]:
    return [json.loads(row) for table in Export(path, options) for row in table["row"].to_pylist()]


def read_value(write: Write, column: str, text: str, options: ExportOptions = OPTIONS) -> Any:
    (row,) = read_rows(write(f'product_id;"{column}"', f"1;{text}"), options)
    return row[column]


SEMICOLON = make_options(TABLE, shape=Shape(delimiter=";"))
COMMA = make_options(TABLE, shape=Shape(delimiter=";", decimal=",", thousands="."))
BERLIN = make_options(TABLE, shape=Shape(delimiter=";"), zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("stock", "007", 7),
        ("stock", " 12 ", 12),
        ("stock", "-3", -3),
        ("category_id", "9007199254740993", 9007199254740993),
        ("price", "19.9", "19.90"),
        ("price", "19.9000", "19.90"),
        ("price", "9999999999.99", "9999999999.99"),
        ("price", "0", "0.00"),
        ("active", "t", True),
        ("active", "No", False),
        ("created_at", "2026-03-29T00:30:00.123456Z", "2026-03-29T00:30:00.123456Z"),
        ("created_at", "2026-03-29 02:30:00+02", "2026-03-29T00:30:00.000000Z"),
        ("created_at", "2026-03-29 02:30:00", "2026-03-29T02:30:00.000000Z"),
        ("created_at", "2026-03-29", "2026-03-29T00:00:00.000000Z"),
        ("name", '"ü ""x"""', 'ü "x"'),
        ("name", " padded ", " padded "),
        ("price", "", None),
        ("name", "", None),
        ("colour", "red", "red"),
        ("colour", "1", "1"),
    ],
)
def test_values_are_those_of_the_database(write: Write, column: str, text: str, value: Any) -> None:
    assert read_value(write, column, text, SEMICOLON) == value


def test_numbers_and_times_of_another_country(write: Write) -> None:
    assert read_value(write, "price", "1.234,5", COMMA) == "1234.50"
    assert read_value(write, "created_at", "2026-03-29 03:30:00", BERLIN) == "2026-03-29T01:30:00.000000Z"
    assert read_value(write, "created_at", "2026-03-29 03:30:00Z", BERLIN) == "2026-03-29T03:30:00.000000Z"


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("stock", "1.0"),
        ("stock", "3000000000"),
        ("stock", "many"),
        ("category_id", "9223372036854775808"),
        ("price", "12.345"),
        ("price", "12,50"),
        ("price", "-1"),
        ("price", "NaN"),
        ("price", "1e3"),
        ("price", "10000000000.00"),
        ("active", "2"),
        ("created_at", "31.12.2026"),
        ("created_at", "infinity"),
        ("created_at", "2026-02-30"),
        ("name", "a\0b"),
    ],
)
def test_value_that_does_not_fit_refuses_the_file(write: Write, column: str, text: str) -> None:
    path = write(f"product_id;{column}", "1;", f"2;{text}")
    with pytest.raises(FileRefused, match=rf"^products\.csv: line 3: {column} must be ") as refusal:
        read_rows(path, SEMICOLON)
    assert text not in str(refusal.value).removesuffix("such as 1234.50; nothing was sent."), "it may be personal data"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["product_id,price", "1,2.00", "2"], "line 3: the row has 1 value instead of 2"),
        (["product_id,price", "1,2.00", "2,3,4"], "line 3: the row has 3 values instead of 2"),
        (["product_id,name", '1,"a', 'b"', '2,"c'], "line 4: a quote is opened but not closed"),
        (["product_id,price", ",2.00"], "line 2: product_id must be a whole number (BIGINT) and must not be empty"),
        (["product_id,price,price", "1,2,3"], "has the column price twice"),
        (["product_id,,price", "1,2,3"], "column 2 has no name"),
        (["id,price", "1,2"], "has no column product_id; the key of products is product_id, and the file has id, price"),
        (["product_id;price", "1;2"], "is the delimiter ';'"),
        ([], "is empty"),
    ],
)
def test_file_with_a_fault_is_refused_with_its_place(write: Write, lines: list[str], message: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        read_rows(write(*lines))
    assert message in str(refusal.value)


def test_first_fault_of_either_kind_is_reported(write: Write) -> None:
    with pytest.raises(FileRefused, match="line 2: price must be"):
        read_rows(write("product_id,price", "1,x", "2"))
    with pytest.raises(FileRefused, match="line 2: the row has"):
        read_rows(write("product_id,price", "1", "2,x"))


def test_mark_of_utf8_compression_and_tabs(write: Write) -> None:
    text = "product_id\tname\n1\tü\n".encode()
    for path in (
        write(data=b"\xef\xbb\xbf" + text, name="products.tsv"),
        write(data=gzip.compress(text), name="products.tsv.gz"),
    ):
        assert read_rows(path) == [{"product_id": 1, "name": "ü"}]
    with pytest.raises(FileRefused, match="line 2: the row has bytes"):
        read_rows(write(data="product_id,name\n1,ü\n".encode("latin-1")))
    with pytest.raises(FileRefused, match=r"products\.parquet: an export must be delimited text"):
        read_rows(write(name="products.parquet"))


def test_order_of_columns_makes_no_difference_and_unknown_ones_come_last(write: Write) -> None:
    export = Export(write("zoo,name,product_id,ant", "z,n,1,a"), OPTIONS)
    (table,) = list(export)
    assert table["row"].to_pylist() == ['{"product_id":1,"name":"n","ant":"a","zoo":"z"}']
    assert export.unknown_columns == ("zoo", "ant")


def test_columns_are_renamed(write: Write) -> None:
    options = make_options(TABLE, ("Product No",), {"Sum": "price"})
    assert read_rows(write("Sum,Product No", "2,1"), options) == [{"product_id": 1, "price": "2.00"}]
    with pytest.raises(FileRefused, match="has no column Sum; it has product_id"):
        read_rows(write("product_id", "1"), make_options(TABLE, (), {"Sum": "price"}))
    with pytest.raises(FileRefused, match="has the column price twice"):
        read_rows(write("product_id,Sum,price", "1,2,3"), make_options(TABLE, (), {"Sum": "price"}))


def test_options_that_do_not_fit_are_refused() -> None:
    assert parse_renames("a = b,c=d") == {"a": "b", "c": "d"}
    with pytest.raises(FileRefused, match="'c' is none"):
        parse_renames("a=b,c")
    with pytest.raises(FileRefused, match="the key of order_items is order_id,line; id has another number of columns"):
        make_options("order_items", ("id",))
    with pytest.raises(FileRefused, match="'order' is not a table of the shop; did you mean 'orders'"):
        make_options("order")
    with pytest.raises(FileRefused, match="two columns of the file become one column of products"):
        make_options(TABLE, ("id",), {"no": "product_id"})


def test_declarations(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "tables.toml"
    path.write_text("""
        [products]
        key = ["No"]
        columns = { "Sum" = "price" }
        zone = "Europe/Berlin"
        file = { delimiter = "semicolon", decimal = ",", encoding = "cp1252" }
        """)
    declared = read_declarations(path)[TABLE]
    export = write(data="No;name;Sum;created_at\n1;Käse;2,5;2026-07-01 02:00:00\n".encode("cp1252"))
    row = {"product_id": 1, "name": "Käse", "price": "2.50", "created_at": "2026-07-01T00:00:00.000000Z"}
    assert read_rows(export, declared) == [row]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[product]", "product is not a table of the shop; did you mean 'products'"),
        ("[products]\nkeys = []", "products.keys is not known; did you mean 'key'"),
        ('[products]\nzone = "Europe/Berlim"', "products.zone is Europe/Berlim; did you mean 'Europe/Berlin'"),
        ("[products]\ncolumns = { a = 1 }", "products.columns must be like"),
        ("[products", "is not valid TOML"),
    ],
)
def test_wrong_declaration_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "tables.toml"
    path.write_text(text)
    with pytest.raises(FileRefused) as refusal:
        read_declarations(path)
    assert message in str(refusal.value)


def test_every_column_of_the_schema_has_a_type_and_keys_are_numbers() -> None:
    for table in TABLES:
        types = column_types(table.name, Shape())
        assert {column for column in (*table.key, *table.filters, table.time) if column} <= set(types)
        for column in table.key:
            sql = types[column].read("'5'")
            assert duckdb.execute(f"SELECT {sql}").fetchone() == (5,), "the key of a snapshot is a number"
