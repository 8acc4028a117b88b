"""Rows as a file holds them: text in the shop's columns, beside them what is known of a row but not written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from cdp.events import EVENT_TYPES
from source_server.history import texts
from source_server.history.catalogue import Catalogue
from source_server.history.customers import user_ids
from source_server.history.seeds import Ints
from source_server.history.visits import PURCHASE, REFUND, Events

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
#: arrives: seconds since the day 1 of the calendar. type: place in EVENT_TYPES. customer: place among the Customers.
#: fate: see dirt.py.
TRUTH = ("arrives", "day", "type", "customer", "fate")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])
Columns = dict[str, pa.Array]
NO_SESSION_SHARE = 0.005  # of visits whose tracker sends no session
ORDER_ID_SHARE = 0.5  # of orders that carry their own number
_TYPES = pa.array(EVENT_TYPES, pa.string())
_QUANTITIES = pa.array([None, None, *(str(units) for units in range(2, 10))], pa.string())


@dataclass(frozen=True)
class Names:
    """What tells visits apart, one place a visit."""

    customer: Ints
    user_id: pa.Array
    session: pa.Array
    order_id: pa.Array


def names(rng: np.random.Generator, customer: Ints) -> Names:
    """Names for visits of these customers; a session or an order number may be missing."""
    visits = len(customer)
    nameless, numberless = rng.random(visits) < NO_SESSION_SHARE, rng.random(visits) >= ORDER_ID_SHARE
    numbers = pa.array(rng.integers(10**11, 10**12, visits), mask=numberless).cast(pa.string())
    session = texts.sessions(rng, visits).take(pa.array(np.arange(visits), mask=nameless))
    return Names(customer, user_ids(customer), session, numbers)


def columns_of(events: Events, named: Names, goods: Catalogue, day: date, sale: bool) -> Columns:
    """The events as clean columns of text, in the order of COLUMNS."""
    visit, product = pa.array(events.visit), pa.array(events.product)
    ordering = pa.array(events.visit, mask=~np.isin(events.type, (PURCHASE, REFUND)))
    visiting = pa.array(events.visit, mask=events.type == REFUND)
    return {
        "event_time": texts.times(day, events.second),
        "event_type": _TYPES.take(pa.array(events.type)),
        "product_id": goods.product_id.take(product),
        "category_id": goods.category_id.take(product),
        "category_code": goods.category_code.take(product),
        "brand": goods.brand.take(product),
        "price": (goods.sale_price if sale else goods.price).take(product),
        "user_id": named.user_id.take(visit),
        "user_session": named.session.take(visiting),
        "quantity": _QUANTITIES.take(pa.array(events.quantity)),
        "order_id": named.order_id.take(ordering),
        "payload": pa.nulls(len(events), pa.string()),
    }
