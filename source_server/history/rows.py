"""Rows as a file holds them: text in the shop's columns, or a broken line kept whole, with the second they arrive."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from source_server.history.visits import Event, Visit

#: The shop's own columns, two that some shops add, and the line itself where it is no row at all.
COLUMNS = (
    "event_time",
    "event_type",
    "product_id",
    "category_id",
    "category_code",
    "brand",
    "price",
    "user_id",
    "user_session",
    "quantity",
    "order_id",
    "payload",
)
PLACES = {name: place for place, name in enumerate(COLUMNS)}

Values = tuple[str | None, ...]


class Row(NamedTuple):
    """One row. `dirt` is the reason it will be refused for; `copy` marks one that was sent twice."""

    arrives: int  # seconds after the beginning of the day it happened
    values: Values
    dirt: str | None = None
    copy: bool = False
    late: bool = False


def rows_of_visit(visit: Visit, day: date, sale: bool) -> list[Row]:
    """A visit's events as clean rows that arrive when they happen."""
    return [Row(event.second, _values(event, visit, day, sale)) for event in visit.events]


def _values(event: Event, visit: Visit, day: date, sale: bool) -> Values:
    hours, rest = divmod(event.second, 3600)
    product = event.product
    return (
        f"{day} {hours:02}:{rest // 60:02}:{rest % 60:02} UTC",
        event.event_type,
        product.product_id,
        product.category_id,
        product.category_code,
        product.brand,
        product.sale_price if sale else product.price,
        visit.customer.user_id,
        visit.session,
        str(event.quantity) if event.quantity > 1 else None,
        visit.order_id if event.event_type == "purchase" else None,
        None,
    )
