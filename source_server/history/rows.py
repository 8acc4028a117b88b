"""Rows as they are written: texts in the shop's columns, together with facts about each row that are not written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from cdp.events import EVENT_TYPES
from source_server.history import texts
from source_server.history.catalogue import Catalogue
from source_server.history.customers import make_user_ids
from source_server.history.seeds import Ints
from source_server.history.visits import PURCHASE, REFUND, Events

#: The shop's own columns, two that some shops add, and `payload` for a whole line that is no row.
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
#: arrives: seconds since day 1 of the calendar. type: index in EVENT_TYPES. customer: index among the Customers.
#: fate: see dirt.py.
TRUTH = ("arrives", "day", "type", "customer", "fate")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])
Columns = dict[str, pa.Array]
NO_SESSION_SHARE = 0.005  # of visits whose tracker sends no session
ORDER_ID_SHARE = 0.5  # of orders that carry their own number
_TYPES = pa.array(EVENT_TYPES, pa.string())
_QUANTITIES = pa.array([None, None, *(str(units) for units in range(2, 10))], pa.string())


@dataclass(frozen=True)
class VisitNames:
    """The ids of visits; each array has one element per visit."""

    customer: Ints
    user_id: pa.Array
    session: pa.Array
    order_id: pa.Array


def draw_names(rng: np.random.Generator, customer: Ints) -> VisitNames:
    """Ids for visits of these customers; a session or an order number may be missing."""
    visits = len(customer)
    nameless, numberless = rng.random(visits) < NO_SESSION_SHARE, rng.random(visits) >= ORDER_ID_SHARE
    numbers = pa.array(rng.integers(10**11, 10**12, visits), mask=numberless).cast(pa.string())
    session = texts.draw_sessions(rng, visits).take(pa.array(np.arange(visits), mask=nameless))
    return VisitNames(customer, make_user_ids(customer), session, numbers)


def make_columns(events: Events, names: VisitNames, goods: Catalogue, day: date, sale: bool) -> Columns:
    """The events as columns of text without defects, in the order of COLUMNS."""
    visit, product = pa.array(events.visit), pa.array(events.product)
    ordering = pa.array(events.visit, mask=~np.isin(events.type, (PURCHASE, REFUND)))
    visiting = pa.array(events.visit, mask=events.type == REFUND)
    return {
        "event_time": texts.format_times(day, events.second),
        "event_type": _TYPES.take(pa.array(events.type)),
        "product_id": goods.product_id.take(product),
        "category_id": goods.category_id.take(product),
        "category_code": goods.category_code.take(product),
        "brand": goods.brand.take(product),
        "price": (goods.sale_price if sale else goods.price).take(product),
        "user_id": names.user_id.take(visit),
        "user_session": names.session.take(visiting),
        "quantity": _QUANTITIES.take(pa.array(events.quantity)),
        "order_id": names.order_id.take(ordering),
        "payload": pa.nulls(len(events), pa.string()),
    }
