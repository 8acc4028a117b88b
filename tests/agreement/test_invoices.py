"""Invoices of a shop, from their CSV file through importer, parser and customer days. The orders, purchases and refunds of each
customer equal those that DuckDB reads from the file, to the cent.
"""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch.days.customer_day import build_customer_days
from batch.days.events import deduplicate
from streaming.events.parse import parse, select_events, select_refusals
from tests.source_server.intake.conftest import NOW, load
from tests.spark_session import spark

__all__ = ["spark"]
pytestmark = pytest.mark.spark

LINES = 400
PRICES = ("2.55", "0.125", "0.001", "1.005", "33.333", "0", "649.5", "0.42")
#: Every such line is in the file twice, as if two pieces had been scanned one by one.
TWICE = 20
#: Orders, gross, refunds and net of a customer.
Customers = dict[str, tuple[int, Decimal, Decimal, Decimal]]


@pytest.fixture
def invoices(tmp_path: Path) -> Path:
    """Every fifth invoice is a return, a tenth of the lines have no customer, and two invoices write off bad debt."""
    chance = random.Random(11)
    rows = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for line in range(LINES):
        invoice = line // 4
        is_return = invoice % 5 == 4
        units, price = chance.randint(1, 96), chance.choice(PRICES)
        customer = "" if chance.random() < 0.1 else f"{17850 + chance.randint(0, 6)}.0"
        day = f"{1 + invoice % 12}/{1 + invoice % 28}/2011 {8 + line % 10}:{line % 60:02}"
        number, quantity = (f"C{536365 + invoice}", -units) if is_return else (str(536365 + invoice), units)
        row = f'{number},{line:05}A,"BAG, RED",{quantity},{day},{price},{customer},France'
        rows += [row] * (2 if line % TWICE == 0 else 1)
    rows += [f"A{563186 + place},B,Adjust bad debt,1,8/12/2011 14:5{place},-11062.06,17850.0,France" for place in range(2)]
    path = tmp_path / "invoices.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def read_with_duckdb(path: Path) -> Customers:
    line = "round(UnitPrice::DECIMAL(18, 3) * Quantity::INTEGER, 2)::DECIMAL(18, 2)"
    rows = duckdb.sql(f"""
        SELECT split_part(CustomerID, '.', 1), count(DISTINCT InvoiceNo) FILTER (InvoiceNo NOT LIKE 'C%'),
            coalesce(sum({line}) FILTER (InvoiceNo NOT LIKE 'C%'), 0),
            coalesce(-sum({line}) FILTER (InvoiceNo LIKE 'C%'), 0), sum({line})
        FROM read_csv('{path}', all_varchar = true) WHERE CustomerID <> '' AND InvoiceNo NOT LIKE 'A%' GROUP BY 1""").fetchall()
    return {customer: tuple(money) for customer, *money in rows}


def test_orders_purchases_and_refunds_of_customers(spark: SparkSession, invoices: Path) -> None:
    sent = load(invoices, "invoice-lines")
    received = NOW.replace(tzinfo=None)
    rows = [(bytearray(line), "events.raw", 0, place, received) for place, line in enumerate(sent.lines)]
    columns = "value binary, topic string, partition int, offset bigint, timestamp timestamp"
    parsed = parse(spark.createDataFrame(rows, columns)).persist()
    events = select_events(parsed)

    by_reason = {row["reason"]: row["count"] for row in select_refusals(parsed).groupBy("reason").count().collect()}
    assert by_reason == {reason: count for reason, (count, _) in sent.refused.items()}
    assert by_reason["bad_price"] == 2, "the bad debt"
    assert events.count() + sum(by_reason.values()) == LINES + LINES // TWICE + 2
    once = deduplicate(events).persist()
    assert once.count() == events.count(), "equal lines are separate events"

    gross, net = F.sum("gross_revenue"), F.sum("revenue")
    totals = build_customer_days(once).groupBy("customer_id").agg(F.sum("orders"), gross, gross - net, net).collect()
    expected = read_with_duckdb(invoices)
    assert {customer: tuple(numbers) for customer, *numbers in totals} == expected
    assert len(expected) == 7
    assert all(gross > refunds > 0 and gross - refunds == net for _, gross, refunds, net in expected.values())
    # The unit prices of the events have two decimals: money computed from them would differ.
    rounded = events.agg(F.sum(F.col("price") * F.col("quantity"))).first()
    gross_and_refunds = sum(gross + refunds for _, gross, refunds, _ in expected.values())
    assert rounded is not None
    assert rounded[0] != gross_and_refunds
    assert {row.order_id[0] for row in events.where("event_type = 'refund'").select("order_id").collect()} == {"C"}
    once.unpersist()
    parsed.unpersist()
