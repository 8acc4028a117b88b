"""What a behaviour can say: the events, the fields that filter them, and the measures. The rule builder lists these tables.

Behaviours are read from the Delta table `interactions`: one row per customer, day, hour, event type, product and price.
"""

from __future__ import annotations

from dataclasses import dataclass

from cdp.events import EVENT_TYPES
from cdp.events.fields import MONEY_TYPES, TYPES
from cdp.metrics import Kind
from cdp.rules.operators import Operator, ValueKind, list_value_operators

ANY_EVENT = "any"
EVENTS = (*EVENT_TYPES, ANY_EVENT)
EVENT_TITLES = {**{each.name: each.title for each in TYPES}, ANY_EVENT: "Any event"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class EventField:
    """A field of an event that a filter can test."""

    key: str
    title: str
    kind: Kind
    about: str = ""
    #: The smallest and the largest value.
    limits: tuple[int, int] | None = None

    @property
    def operators(self) -> list[Operator]:
        return [operator for operator in list_value_operators(self.kind) if self.kind != "date"]


EVENT_FIELDS: tuple[EventField, ...] = (
    EventField("product_id", "Product", "text"),
    EventField("category_1", "Category", "text", "The first level of the category."),
    EventField("category_2", "Category, level 2", "text"),
    EventField("category_3", "Category, level 3", "text"),
    EventField("brand", "Brand", "text"),
    EventField("price", "Price of one unit", "money"),
    EventField("weekday", "Day of the week", "integer", "1 is Monday, 7 is Sunday.", (1, 7)),
    EventField("hour", "Hour of the day", "integer", "0 to 23, in UTC.", (0, 23)),
)
FIELDS_BY_KEY = {field.key: field for field in EVENT_FIELDS}
#: Fields that the two steps of a sequence can share.
SHARED_FIELDS = ("product_id", "category_1", "category_2", "category_3", "brand")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number or day computed from a customer's events within the window."""

    key: str
    title: str
    kind: ValueKind
    about: str = ""
    #: The value of a customer without such an event; None if the measure is then missing.
    empty: int | None = 0
    #: The event types that have this measure.
    events: tuple[str, ...] = EVENTS

    @property
    def operators(self) -> list[Operator]:
        kind = "number" if self.kind == "percent" else self.kind
        operators = list_value_operators(kind)  # type: ignore[arg-type]
        is_always_set = self.empty is not None
        return [operator for operator in operators if not (is_always_set and operator.key in ("is_set", "is_not_set"))]


_SHARE = "Of the events of this type in the window, in percent: 60 is 60 %. A customer without any does not match."
MEASURES: tuple[Measure, ...] = (
    Measure("events", "times", "integer", "How often the customer did it."),
    Measure("quantity", "units", "integer", "Units of the product."),
    Measure("money", "money", "money", "Paid for purchases; given back for refunds, as a positive amount.", events=MONEY_TYPES),
    Measure("products", "different products", "integer"),
    Measure("categories", "different categories", "integer", "First level. Events without a category are not counted."),
    Measure("brands", "different brands", "integer", "Events without a brand are not counted."),
    Measure("days", "different days", "integer"),
    Measure("share_of_events", "share of the events", "percent", _SHARE, None),
    Measure("share_of_money", "share of the money", "percent", _SHARE, None, ("purchase",)),
    Measure("first_day", "first day", "date", "The day of the first such event in the window.", None),
    Measure("last_day", "last day", "date", "The day of the last such event in the window.", None),
)  # fmt: skip
MEASURES_BY_KEY = {measure.key: measure for measure in MEASURES}
