"""Invoices of a shop, from its CSV through importer and parser: what each customer bought and gave back is what DuckDB reads
out of the CSV itself, to the cent.
"""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from streaming.parse import good, parse, refused
from tests.source_server.intake.conftest import NOW, load
from tests.spark_session import spark

__all__ = ["spark"]
pytestmark = pytest.mark.spark

LINES = 400
PRICES = ("2.55", "0.125", "0.001", "1.005", "33.333", "0", "649.5", "0.42")
#: Gross, refunds and net of a customer.
Money = dict[str, tuple[Decimal, Decimal, Decimal]]


@pytest.fixture
def invoices(tmp_path: Path) -> Path:
    """Every fifth invoice takes back, a tenth of the lines has no customer, and two invoices write off bad debt."""
    chance = random.Random(11)
    rows = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for line in range(LINES):
        invoice = line // 4
        back = invoice % 5 == 4
        units, price = chance.randint(1, 96), chance.choice(PRICES)
        customer = "" if chance.random() < 0.1 else f"{17850 + chance.randint(0, 6)}.0"
        day = f"{1 + invoice % 12}/{1 + invoice % 28}/2011 {8 + line % 10}:{line % 60:02}"
        number, quantity = (f"C{536365 + invoice}", -units) if back else (str(536365 + invoice), units)
        rows.append(f'{number},{line:05}A,"BAG, RED",{quantity},{day},{price},{customer},France')
    rows += [f"A{563186 + place},B,Adjust bad debt,1,8/12/2011 14:5{place},-11062.06,17850.0,France" for place in range(2)]
    path = tmp_path / "invoices.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def by_duckdb(path: Path) -> Money:
    line = "round(UnitPrice::DECIMAL(18, 3) * Quantity::INTEGER, 2)::DECIMAL(18, 2)"
    rows = duckdb.sql(f"""
        SELECT split_part(CustomerID, '.', 1), coalesce(sum({line}) FILTER (InvoiceNo NOT LIKE 'C%'), 0),
            coalesce(-sum({line}) FILTER (InvoiceNo LIKE 'C%'), 0), sum({line})
        FROM read_csv('{path}', all_varchar = true) WHERE CustomerID <> '' AND InvoiceNo NOT LIKE 'A%' GROUP BY 1""").fetchall()
    return {customer: tuple(money) for customer, *money in rows}


def test_what_customers_bought_and_gave_back(spark: SparkSession, invoices: Path) -> None:
    sent = load(invoices, "invoice-lines")
    received = NOW.replace(tzinfo=None)
    rows = [(bytearray(line), "events.raw", 0, place, received) for place, line in enumerate(sent.lines)]
    columns = "value binary, topic string, partition int, offset bigint, timestamp timestamp"
    parsed = parse(spark.createDataFrame(rows, columns)).persist()
    events = good(parsed)

    by_reason = {row["reason"]: row["count"] for row in refused(parsed).groupBy("reason").count().collect()}
    assert by_reason == {reason: count for reason, (count, _) in sent.refused.items()}
    assert by_reason["bad_price"] == 2, "the bad debt"
    assert events.count() + sum(by_reason.values()) == LINES + 2

    def sum_of(kind: str) -> Column:
        return F.coalesce(F.sum(F.when(F.col("event_type") == kind, F.col("revenue"))), F.lit(0))

    found = events.groupBy("user_id").agg(sum_of("purchase"), -sum_of("refund"), F.sum("revenue")).collect()
    expected = by_duckdb(invoices)
    assert {customer: tuple(money) for customer, *money in found} == expected
    assert len(expected) == 7
    assert all(gross > refunds > 0 and gross - refunds == net for gross, refunds, net in expected.values())
    # The unit prices of the events have two decimals: money made of them would be another.
    rounded = events.agg(F.sum(F.col("price") * F.col("quantity"))).first()
    gross_and_refunds = sum(gross + refunds for gross, refunds, _ in expected.values())
    assert rounded is not None
    assert rounded[0] != gross_and_refunds
    assert {row.order_id[0] for row in events.where("event_type = 'refund'").select("order_id").collect()} == {"C"}
    parsed.unpersist()
