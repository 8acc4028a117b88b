"""How the values of a metric are distributed over the customers, as a histogram beside a number in the builder."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from cdp.metrics import BY_KEY, METRICS
from cdp_web.serving.snapshot_query import Snapshot
from cdp_web.serving.snapshot_store import TABLE

FIELDS = tuple(metric.key for metric in METRICS if metric.kind in ("integer", "money", "number"))
BINS = 24
_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Bin:
    """Customers whose value is at least `start` and less than `end`; the last bin has no end."""

    start: Decimal
    end: Decimal | None
    customers: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """`customers` have a value, `missing` have none."""

    field: str
    customers: int
    missing: int
    least: Decimal | None
    median: Decimal | None
    greatest: Decimal | None
    bins: list[Bin]


def distribution_get(snapshot: Snapshot, field: str) -> Distribution:
    """Bins of equal width up to the value that 1 % of the customers exceed; these are all in the last bin."""
    if field not in FIELDS:
        raise ValueError(f"{field} is not a number.")
    with snapshot.open_session(_SECONDS) as session:
        customers, missing, least, median, high, greatest = session.read_row(
            f"SELECT count({field}), count(*) - count({field}), min({field}), quantile_disc({field}, 0.5),"
            f" quantile_disc({field}, 0.99), max({field}) FROM {TABLE}"
        )
        if not customers:
            return Distribution(field, 0, missing, None, None, None, [])
        start, width = Decimal(str(least)), _choose_width(field, Decimal(str(least)), Decimal(str(high)))
        counts = {
            int(row["bin"]): int(row["customers"])
            for row in session.read_rows(
                f"SELECT least(floor(({field} - $1) / $2), {BINS - 1})::INTEGER AS bin, count(*) AS customers"
                f" FROM {TABLE} WHERE {field} IS NOT NULL GROUP BY bin",
                [start, width],
            )
        }
    used = max(counts) + 1
    bins = [
        Bin(start + width * number, None if number == used - 1 else start + width * (number + 1), counts.get(number, 0))
        for number in range(used)
    ]
    low, middle, top = (Decimal(str(each)) for each in (least, median, greatest))
    return Distribution(field, customers, missing, low, middle, top, bins)


def _choose_width(field: str, least: Decimal, high: Decimal) -> Decimal:
    """A whole number for counts; never zero."""
    if BY_KEY[field].kind == "integer":
        return Decimal(max(1, -(-int(high - least + 1) // BINS)))
    width = (high - least) / BINS
    return width.quantize(Decimal("0.0001")) or Decimal("0.01")
