"""Messages of Postgres, Connect and Debezium, and what they mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.connect.explain import MEANINGS, explain, explain_missing_password, find_decisive_line
from infra.connect.shop import SAMPLE_PASSWORD, CapturedTable, Shop
from tests.infra.connect import recorded

SHOP = Shop("db", 6432, "web", "reader", "CDC_X", (CapturedTable("orders", "web.orders"),), place="shop.toml")
SAMPLE = replace(SHOP, password_variable=SAMPLE_PASSWORD, place="")


@pytest.mark.parametrize(
    ("message", "wrong", "remedy"),
    [
        (recorded.REFUSED_PASSWORD, "login reader in CDC_X", "correct CDC_X"),
        (recorded.REFUSED_PORT, "db:6432", "database.port in shop.toml"),
        ('connection to server at "db", port 6432 failed: Connection refused', "db:6432", "database.port in shop.toml"),
        ('could not translate host name "db" to address', "host db", "database.host in shop.toml"),
        ('FATAL:  database "web" does not exist', "database web", "database.name in shop.toml"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "reader"', "reader", "pg_hba.conf"),
        (recorded.NO_PUBLICATION, "cdc_shop", "./run connect status"),
        (recorded.NO_REPLICATION, "REPLICATION", "ALTER ROLE reader REPLICATION;"),
        (recorded.LOG_GONE, "log", "./run connect delete"),
        (recorded.LARGE_ROW, "8 MB", "columns in shop.toml"),
    ],
)
def test_a_message_is_explained(message: str, wrong: str, remedy: str) -> None:
    problem = explain(SHOP, message)
    assert wrong in problem.wrong
    assert remedy in problem.remedy


def test_the_sample_shop_has_other_remedies() -> None:
    assert explain(SAMPLE, recorded.REFUSED_PORT).remedy == "./run up shop-db"
    assert explain(SAMPLE, recorded.REFUSED_PASSWORD).remedy.startswith("./run shop init")


def test_an_unknown_trace_is_cut_to_its_last_cause() -> None:
    problem = explain(SHOP, recorded.UNKNOWN_TRACE)
    assert problem.wrong == "DebeziumException: something that nobody has seen yet"
    assert problem.remedy == "./run logs connect"
    assert find_decisive_line("") == "no reason was printed"
    assert find_decisive_line(recorded.REFUSED_PASSWORD).startswith("Error while validating connector config: FATAL")


def test_a_missing_password_is_named_by_its_variable() -> None:
    assert "CDC_X" in explain_missing_password(SHOP).wrong


def test_every_meaning_can_be_written() -> None:
    """No placeholder of a sentence is unknown."""
    for pattern, _, _ in MEANINGS:
        assert "{" not in str(explain(SHOP, pattern.split("|")[0].replace(".*", " x ").replace("[Cc]", "c").replace("\\", "")))
