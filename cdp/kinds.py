"""The kinds of values in columns and metrics, and the type of each kind in the engines that hold it."""

from __future__ import annotations

from dataclasses import dataclass

#: Digits of every decimal, the ones after the point included, except the price of one unit.
DIGITS = 18
PRICE_DIGITS = 12
MONEY_SCALE = 2
NUMBER_SCALE = 6

#: Types that Spark, Postgres and DuckDB all read. Spark writes them without a space.
MONEY = f"decimal({DIGITS},{MONEY_SCALE})"
NUMBER = f"decimal({DIGITS},{NUMBER_SCALE})"
#: Squares of money, added up.
LARGE_NUMBER = f"decimal(38,{NUMBER_SCALE})"
PRICE = f"decimal({PRICE_DIGITS},{MONEY_SCALE})"


@dataclass(frozen=True, slots=True)
class KindTypes:
    """The types of one kind, each as its engine spells it."""

    spark: str
    postgres: str
    duckdb: str


#: Kind of a column -> its types.
KINDS = {
    "text": KindTypes("string", "text", "varchar"),
    "integer": KindTypes("int", "integer", "integer"),
    "long": KindTypes("bigint", "bigint", "bigint"),
    "money": KindTypes(MONEY, MONEY, MONEY),
    "number": KindTypes(NUMBER, NUMBER, NUMBER),
    "large number": KindTypes(LARGE_NUMBER, LARGE_NUMBER, LARGE_NUMBER),
    "boolean": KindTypes("boolean", "boolean", "boolean"),
    "date": KindTypes("date", "date", "date"),
    "time": KindTypes("timestamp", "timestamptz", "timestamptz"),
    "json": KindTypes("string", "jsonb", "json"),
}
#: Kind of a metric -> its types. A sum over a long time needs more room than the count of one day.
METRIC_KINDS = KINDS | {"integer": KINDS["long"]}
