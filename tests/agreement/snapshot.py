"""A generated world as tables, in DuckDB and in Spark, and the ids that a query selects from them."""

from __future__ import annotations

from dataclasses import asdict, fields

import duckdb
import pyarrow as pa
from pyspark.sql import SparkSession

from cdp.kinds import DIGITS, MONEY_SCALE, PRICE_DIGITS
from cdp.rules import CUSTOMER_ID, Interaction, Recommendation, Rule, Source, to_sql
from tests.agreement.strategies import AS_OF, FIELDS, World
from tests.arrow_types import make_customers_schema

_CUSTOMERS = make_customers_schema(FIELDS)
_COLUMNS = {
    "day": pa.date32(), "hour": pa.int32(), "price": pa.decimal128(PRICE_DIGITS, MONEY_SCALE),
    "events": pa.int64(), "quantity": pa.int64(),
    "money": pa.decimal128(DIGITS, MONEY_SCALE),
}  # fmt: skip
_PLACES = {"place": pa.int32()}
_NAMES = [each.name for each in fields(Interaction)]
_INTERACTIONS = pa.schema([(CUSTOMER_ID, pa.string()), *((name, _COLUMNS.get(name, pa.string())) for name in _NAMES)])
_LIST_MEMBERS = pa.schema([("list_id", pa.int64()), (CUSTOMER_ID, pa.string())])
_RECOMMENDATION_NAMES = [each.name for each in fields(Recommendation)]
_RECOMMENDATIONS = pa.schema(
    [(CUSTOMER_ID, pa.string()), *((name, _PLACES.get(name, pa.string())) for name in _RECOMMENDATION_NAMES)]
)


def build_tables(world: World) -> dict[str, pa.Table]:
    """The id of a customer is its position in the world."""
    customers = [{CUSTOMER_ID: str(i), **customer} for i, customer in enumerate(world.customers)]
    interactions = [
        {CUSTOMER_ID: str(i), **{name: getattr(row, name) for name in _NAMES}}
        for i, rows in enumerate(world.interactions)
        for row in rows
    ]
    members = [{"list_id": number, CUSTOMER_ID: str(i)} for number, members in world.lists.items() for i in members]
    recommendations = [{CUSTOMER_ID: str(i), **asdict(row)} for i, rows in enumerate(world.recommendations) for row in rows]
    return {
        "recommendations": pa.Table.from_pylist(recommendations, _RECOMMENDATIONS),
        "customers": pa.Table.from_pylist(customers, _CUSTOMERS),
        "interactions": pa.Table.from_pylist(interactions, _INTERACTIONS),
        "list_members": pa.Table.from_pylist(members, _LIST_MEMBERS),
    }


class DuckTables:
    """The tables in a DuckDB in memory."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._segments: dict[int, Rule] = {}

    def load(self, world: World) -> None:
        self._segments = world.segments
        for name, table in build_tables(world).items():
            self._connection.register("rows", table)
            self._connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM rows")

    def select(self, rule: Rule) -> list[str]:
        return self.read_ids(to_sql(rule, Source(AS_OF, segments=self._segments)))

    def read_ids(self, sql: str) -> list[str]:
        return sorted(row[0] for row in self._connection.execute(sql).fetchall())

    def close(self) -> None:
        self._connection.close()


class SparkTables:
    """The tables as temporary views of a Spark session."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def select(self, world: World, rules: list[Rule]) -> list[list[str]]:
        """The ids of each rule. One query answers all rules, because a query of Spark costs most of its time at the start."""
        for name, table in build_tables(world).items():
            self._spark.createDataFrame(table).createOrReplaceTempView(name)
        source = Source(AS_OF, "spark", segments=world.segments)
        queries = [f"SELECT {n} AS rule, customer_id FROM ({to_sql(rule, source)})" for n, rule in enumerate(rules)]
        selected: list[list[str]] = [[] for _ in rules]
        for number, customer_id in self._spark.sql(" UNION ALL ".join(queries)).collect():
            selected[number].append(customer_id)
        return [sorted(ids) for ids in selected]
