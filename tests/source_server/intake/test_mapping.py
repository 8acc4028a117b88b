"""Mappings: faults are reported with their place, and rules do what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from source_server.intake import MappingError, mapping_for
from source_server.intake.mapping import IDENTITY
from source_server.intake.mapping_file import read_mapping
from tests.source_server.intake.conftest import HEADER, ROW, load
from tests.source_server.intake.test_delimited import refusal

FILE = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[feilds]", "feilds is not known; did you mean 'fields'?"),
        ("[fields]\nprise = 'x'", "fields.prise is not known; did you mean 'price'?"),
        ("[fields]\nprice = { colum = 'x' }", "fields.price.colum is not known; did you mean 'column'?"),
        ("[fields]\nbrand = { column = 'x', format = 'iso' }", "fields.brand.format is not known; choose one of column,"),
        ("[fields]\nbrand = { column = 'x', levels = '>' }", "fields.brand.levels is not known; choose one of column,"),
        ("[fields]\nprice = { column = 'x', per = 'y' }", "fields.price.per is not known; choose one of column,"),
        ("[fields]\nquantity = { column = 'x', times = 'y' }", "fields.quantity.times is not known; "),
        ("[fields]\namount = { column = 'x', times = 2 }", "fields.amount.times must be a text in quotes, not 2."),
        ("[fields]\nbrand = {}", "fields.brand must have either column or columns."),
        ("[fields]\nbrand = 3", "fields.brand must be a column's name"),
        (
            "[fields]\nevent_time = { column = 'x', format = 'ISO8601' }",
            "fields.event_time.format is 'ISO8601'; it can be iso, epoch",
        ),
        ("[fields]\nevent_time = { column = 'x', format = ['iso', '%Q'] }", "fields.event_time.format is not a time pattern: "),
        (
            "[fields]\nevent_time = { column = 'x', zone = 'Europe/Vieena' }",
            "zone Europe/Vieena is not known; did you mean 'Europe/Vienna'?",
        ),
        ("[file]\ndelimiter = 'semi'", "file.delimiter must be one character or whitespace, not 'semi'."),
        ("[file]\nheader = 'no'", "file.header must be true or false, not 'no'."),
        ("[file]\nheader = false", "file.columns must name the columns of a file without header"),
        ("[file]\nencoding = 'latin'", None),
        ("[file]\nencoding = 'latin-17'", "file.encoding latin-17 is not known; utf-8,"),
        ("[file]\nformat = 'json'", "file.format is json; did you mean 'ndjson'?"),
        ("[file]\ndecimal = ','\nthousands = ','", "file.thousands is the same as file.decimal."),
        ("[constants]\nbrand = 3", "constants.brand must be a text in quotes, not 3."),
        ("[constants]\nbrand = 'a'\n[fields]\nbrand = 'b'", "fields.brand is also under constants"),
        ("[[skip]]\ncolumn = 'a'", "skip[1] must have column and one of equals,"),
        ("[[skip]]\ncolumn = 'a'\nmatches = '('", "skip[1].matches is not a regular expression: missing )"),
        ("[[skip]]\ncolumn = 'a'\nmatches = '(?=x)'", "skip[1].matches is not a regular expression: invalid perl operator"),
        ("[[skip]]\ncolumn = 'a'\nis_empty = 'yes'", "skip[1].is_empty can't be 'yes'."),
        ("[[change]]\ncolumn = 'a'\nequals = 'b'", "change[1] changes nothing; add set or absolute."),
        (
            "[[change]]\ncolumn = 'a'\nequals = 'b'\nabsolute = ['brand']",
            "change[1].absolute is for price, quantity, amount, not brand.",
        ),
        ("[skip]\ncolumn = 'a'", "skip must be written as [[skip]]."),
        ("[file", "m.toml is not valid TOML"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, fault: str | None) -> None:
    if fault is None:
        assert read_mapping(text.encode(), "m.toml")
        return
    with pytest.raises(MappingError) as refused:
        read_mapping(text.encode(), "m.toml")
    assert str(refused.value).startswith("m.toml")
    assert fault in str(refused.value)


def test_an_unknown_mapping() -> None:
    with pytest.raises(MappingError, match=r"There is no mapping invoice-line: .* did you mean 'invoice-lines'\?"):
        mapping_for("invoice-line")


def test_fingerprints_depend_on_the_meaning() -> None:
    def read_fingerprint(text: str) -> str:
        return read_mapping(text.encode(), "m.toml").fingerprint

    one = read_fingerprint("[fields]\nbrand = 'a'\nprice = 'b'")
    assert one == read_fingerprint(
        "# a note\nabout = 'x'\n[fields]\nprice = 'b'\nbrand = { column = 'a', lower = false }\n[file]\nheader = true"
    )
    others = [
        "[fields]\nbrand = 'b'\nprice = 'b'",
        "[file]\nquote = ''\n[fields]\nbrand = 'a'\nprice = 'b'",
        "[constants]\nbrand = ''",
    ]
    assert len({one, IDENTITY.fingerprint, *map(read_fingerprint, others)}) == 5
    assert IDENTITY.fingerprint == mapping_for(None).fingerprint


def test_a_missing_column_is_named_with_its_key(file: FILE) -> None:
    mapping = file("m.toml", "[fields]", 'price = "Preis"')
    assert "has no column Preis, which m.toml names in fields.price; it has event_time, event_type" in refusal(
        file("x.csv", HEADER, ROW), str(mapping)
    )


def map_values(file: FILE, toml: list[str], *values: str) -> list[dict[str, Any]]:
    """The events of rows with the contract's columns and two more, `a` and `b`, whose values are `a;b`."""
    mapping = file("m.toml", *toml)
    rows = [f"{ROW},{','.join(value.split(';'))}" for value in values]
    return load(file("x.csv", HEADER + ",a,b", *rows), str(mapping)).events


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        ("brand = { column = 'a', strip_prefix = 'B-', lower = true }", ["B-Ab;", "Cd;", ";"], ["ab", "cd", None]),
        ("brand = { column = 'a', whole = true }", ["17850.0;", "0017;", "1.5;"], ["17850", "0017", "1.5"]),
        ("brand = { column = 'a', values = { x = 'y' } }", ["x;", " x ;", "z;"], ["y", "y", "z"]),
        ("brand = { column = 'a', values = { x = 'y' }, default = 'd' }", ["x;", "z;", ";"], ["y", "d", "d"]),
        ("brand = { columns = ['a', 'b'], join = '/' }", ["1;2", "1;"], ["1/2", None]),
        ("""brand = { column = 'a', values = { x = 'q"\\' } }""", ["x;"], ['q"\\']),
        (
            "category_code = { column = 'a', levels = '>' }",
            ["Garten > Rasen;", "Dr. Bio>Erde > ;", "Solo;", ";"],
            ["Garten.Rasen", "Dr Bio.Erde.", "Solo", None],
        ),
        ("amount = 'a'", ["29.33;2", ";2"], ["29.33", None]),
        (
            "amount = { column = 'a', times = 'b' }",
            ["0.125;8", "0.001;5", "0.0049;1", "2.55;6.0", ".5;+3.", "17.990000000000002;3", "0;-5"],
            ["1.00", "0.01", "0.00", "15.30", "1.50", "53.97", "0.00"],
        ),
        (
            "amount = { column = 'a', times = 'b' }",
            ["27.5;-1", "-27.5;-1", "-0.001;1", " 0.005 ; -1 ", "4;", ";4", "free;2", "5;two"],
            ["-27.50", "27.50", "-0.00", "-0.01", "4", None, "free × 2", "5 × two"],
        ),
        (
            "amount = { column = 'a', times = 'b' }",
            ["999999999999999999;999999999999999999", "9999999999999999999;999999999999999999"],
            ["999999999999999998000000000000000001.00", "9999999999999999999 × 999999999999999999"],
        ),
        ("amount = { column = 'a', times = 'b', absolute = true }", ["27.5;-1", "-0.5;3", "-x;2"], ["27.50", "1.50", "x × 2"]),
        ("price = { column = 'a', times = 'b' }", ["0.5;3"], ["1.50"]),
        ("quantity = { column = 'a', absolute = true }", ["-3;", "4;", "x;"], ["3", "4", "x"]),
        (
            "event_time = { column = 'a', format = ['%d.%m.%Y %H:%M', '%Y%m%d'], zone = 'Europe/Berlin' }",
            ["31.03.2019 01:30;", "27.10.2019 03:30;", "20190701;", "31.02.2019 01:00;"],
            ["2019-03-31 00:30:00 UTC", "2019-10-27 02:30:00 UTC", "2019-06-30 22:00:00 UTC", "31.02.2019 01:00"],
        ),
        (
            "event_time = { column = 'a', format = 'iso', zone = 'America/New_York' }",
            ["2019-10-01T00:00:00+02:00;", "2019-10-01 00:00:00 UTC;", "2019-10-01T00:00:00.5;", "2019-10-01;"],
            ["2019-10-01T00:00:00+02:00", "2019-10-01 00:00:00 UTC", "2019-10-01T04:00:00.500000Z", "2019-10-01 04:00:00 UTC"],
        ),
        ("event_time = { column = 'a', format = 'epoch' }", ["1569888000;", "soon;"], ["2019-10-01 00:00:00 UTC", "soon"]),
        ("event_time = { column = 'a', format = 'epoch' }", ["9999999999999;"], ["9999999999999"]),
        ("event_time = { column = 'a', format = 'epoch_ms' }", ["1569888000500;"], ["2019-10-01T00:00:00.500000Z"]),
    ],
)
def test_rules_change_values(rule: str, values: list[str], expected: list[str | None], file: FILE) -> None:
    field = rule.split(" ")[0]
    assert [event.get(field) for event in map_values(file, ["[fields]", rule], *values)] == expected


def test_factors_are_read_in_the_notation_of_the_file(file: FILE) -> None:
    toml = ["[file]", "delimiter = 'semicolon'", "decimal = ','", "thousands = '.'"]
    mapping = file("m.toml", *toml, "[fields]", "amount = { column = 'a', times = 'b' }")
    rows = [f"{ROW.replace(',', ';').replace('9.50', '9,50')};{pair}" for pair in ("1.000,125;1.008", "0,125;8,0", "1.5;2")]
    result = load(file("x.csv", f"{HEADER.replace(',', ';')};a;b", *rows), str(mapping)).events
    assert [event["amount"] for event in result] == ["1008126.00", "1.00", "3.00"]


def test_a_file_needs_a_price_or_an_amount(file: FILE) -> None:
    header, row = HEADER.replace("price", "amount"), ROW.replace("view", "purchase")
    assert load(file("x.csv", header, row)).events[0]["amount"] == "9.50"
    mapping = file("m.toml", "[fields]", "amount = { column = 'a', times = 'b' }")
    assert "has no column a, which m.toml names in fields.amount; it has" in refusal(file("x.csv", header, row), str(mapping))
    mapping = file("m.toml", "[fields]", "amount = { column = 'brand', times = 'b' }")
    assert "has no column b, which m.toml names in fields.amount.times; it has" in refusal(
        file("x.csv", header, row), str(mapping)
    )
    assert "has no column price; it has" in refusal(file("x.csv", HEADER.replace("price", "brand2"), row))


def test_an_amount_that_is_the_price_is_no_amount(file: FILE) -> None:
    mapping = file("m.toml", "[fields]", "price = 'amount'")
    (event,) = load(file("x.csv", HEADER.replace("price", "amount"), ROW), str(mapping)).events
    assert (event["price"], event.get("amount")) == ("9.50", None)


def test_a_change_removes_the_minus_of_an_amount(file: FILE) -> None:
    change = ["[[change]]", "column = 'a'", "less_than = 0", "set = { event_type = 'refund' }", "absolute = ['amount']"]
    result = map_values(file, ["[fields]", "amount = 'a'", *change], "-3.5;", "3.5;")
    assert [(event["event_type"], event["amount"]) for event in result] == [("refund", "3.5"), ("view", "3.5")]


def test_a_local_time_that_comes_twice_is_the_later_one(file: FILE) -> None:
    rule = "event_time = { column = 'a', zone = 'Europe/Berlin' }"
    result = map_values(file, ["[fields]", rule], "2019-10-27T02:30:00;", "2019-03-31T02:30:00;")
    assert [event["event_time"] for event in result] == ["2019-10-27 01:30:00 UTC", "2019-03-31 01:30:00 UTC"]


def test_skips_are_counted_by_rule_and_tests_hold_together(file: FILE) -> None:
    toml = [
        "[[skip]]", "rule = 'tests'", "column = 'a'", "equals = ['x', 'y']",
        "[[skip]]", "column = 'b'", "less_than = 0",
        "[[skip]]", "rule = 'empty'", "column = 'a'", "is_empty = true",
        "[[skip]]", "rule = 'both'", "column = 'a'", "starts_with = 'T'", "matches = '[0-9]$'",
    ]  # fmt: skip
    values = ["x;1", "k;-0.5", "k;-x", ";3", "T1;3", "Tx;3", "k;"]
    mapping = file("m.toml", *toml)
    result = load(file("x.csv", HEADER + ",a,b", *[f"{ROW},{value.replace(';', ',')}" for value in values]), str(mapping))
    assert result.account.skipped == {"tests": 1, "b less_than 0": 1, "empty": 1, "both": 1}
    assert (result.account.read, result.account.events) == (7, 3)


def test_columns_can_be_sent_along(file: FILE) -> None:
    result = map_values(file, ["keep = ['a', 'b']"], 'x\\;"u ""v"""')
    assert (result[0]["a"], result[0]["b"]) == ("x\\", 'u "v"')


def test_an_encoding_with_gaps_spoils_one_row(file: FILE) -> None:
    mapping = file("m.toml", "[file]", 'encoding = "cp1252"')
    bad = ROW.replace("apple", "a\x81b").encode("latin-1")
    result = load(file("x.csv", HEADER, ROW.replace("apple", "größe"), bad, encoding="cp1252"), str(mapping))
    assert result.account.events == 1
    assert "größe".encode() in result.lines[0]
    assert result.refused == {"not_json": (1, [3])}


def test_utf_16(file: FILE) -> None:
    mapping = file("m.toml", "[file]", 'encoding = "utf-16"')
    path = file("x.csv")
    path.write_bytes(f"{HEADER}\n{ROW.replace('apple', 'größe')}\n".encode("utf-16"))
    assert load(path, str(mapping)).events[0]["brand"] == "größe"


def test_another_ending_with_a_format(file: FILE) -> None:
    mapping = file("m.toml", "[file]", 'format = "tsv"')
    assert load(file("x.dat", HEADER.replace(",", "\t"), ROW.replace(",", "\t")), str(mapping)).account.events == 1


def test_the_well_known_invoice_lines(file: FILE) -> None:
    rows = [
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        '536365,85123A,"WHITE, ""HEART""",6,12/1/2010 8:26,2.55,17850.0,United Kingdom',
        "C536379,D,Discount,-1,12/1/2010 9:41,27.5,14527,United Kingdom",
        "536414,22139,,56,12/1/2010 11:52,0,,United Kingdom",
        "A563186,B,Adjust bad debt,1,8/12/2011 14:51,-11062.06,14527,United Kingdom",
    ]
    result = load(file("retail.csv", *rows), "invoice-lines")
    assert result.events[0] == {
        "event_time": "2010-12-01 08:26:00 UTC", "event_type": "purchase", "product_id": "85123A", "price": "2.55",
        "user_id": "17850", "quantity": "6", "order_id": "536365", "amount": "15.30", "source": "retail",
    }  # fmt: skip
    refund = {key: result.events[1][key] for key in ("event_type", "order_id", "price", "quantity", "amount")}
    assert refund == {"event_type": "refund", "order_id": "C536379", "price": "27.5", "quantity": "1", "amount": "27.50"}
    assert result.refused == {"missing": (1, [4]), "bad_price": (1, [5])}
    assert result.account.refused["missing"].field == "user_id"


def test_rees46_leaves_other_columns_out(file: FILE) -> None:
    result = load(file("x.csv", HEADER + ",more", ROW + ",1"), "rees46")
    assert "more" not in result.events[0]
