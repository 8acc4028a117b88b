"""The fields of an event in Kafka: one JSON object per message, keyed by customer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventType:
    """Something a customer can do, how the site shows it, and the column that counts it in tables by day."""

    name: str
    title: str
    icon: str
    counted_in: str = ""  # purchases are counted as orders and items


#: The only place to add an event type; docs/extending.md lists what follows.
TYPES = (
    EventType("view", "Product view", "eye", "views"),
    EventType("cart", "Added to cart", "shopping-cart", "carts"),
    EventType("remove_from_cart", "Removed from cart", "circle-minus", "removals"),
    EventType("purchase", "Purchase", "shopping-bag"),
    EventType("refund", "Refund", "undo-2", "refunds"),
)
EVENT_TYPES = tuple(each.name for each in TYPES)
#: Type -> the column that counts its events.
COUNTS = {each.name: each.counted_in for each in TYPES if each.counted_in}
#: Only events of these types have a revenue: money received, and money or goods returned.
MONEY_TYPES = ("purchase", "refund")
MAX_TEXT = 200
MAX_QUANTITY = 100_000
#: Of one event: its amount, or price times quantity. A sum of money has 16 digits before the point: room for 9,999 of these.
MAX_REVENUE = 10**12
#: Raised when a message is no longer valid or yields a different event. docs/events.md lists the changes.
CONTRACT_VERSION = 3
#: No web shop is older: an earlier time comes from a broken clock. Files from the nineties load.
EARLIEST_DAY = "1990-01-01"
#: A tracker's clock may run this far ahead of the time of receipt; a clock further ahead is broken.
MAX_AHEAD_HOURS = 24


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of values. The stream uses these with the shop's currency; only a replay may use others."""

    max_text: int = MAX_TEXT
    max_quantity: int = MAX_QUANTITY
    earliest_day: str = EARLIEST_DAY
    max_ahead_hours: int = MAX_AHEAD_HOURS
    currency: str = ""  # the only currency accepted, as in `Settings.currency`; "" accepts any


BOUNDS = Bounds()

# Patterns of valid values, for Java's and RE2's regular expressions alike. `\z` because `$` lets a line separator pass in Java.
#: `2019-10-01 00:00:00 UTC` and ISO 8601 with seconds and an offset.
TIME = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,9})? ?(UTC|Z|[+-]\d{2}(:?\d{2})?)\z"
_DIGITS = r"(\d{1,30}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?\z"
NUMBER, NEGATIVE = r"^\+?" + _DIGITS, "^-" + _DIGITS
#: 2.0 is two: many tools write a column of whole numbers with gaps like this.
WHOLE = r"^\+?\d{1,9}(\.0*)?\z"


@dataclass(frozen=True, slots=True)
class EventField:
    """A field of the message: its name, whether it is required, and what it may hold."""

    name: str
    kind: str  # time, type, text, money, quantity, amount, currency
    required: bool
    about: str
    instead: str = ""  # a field whose presence makes this one optional


FIELDS = (
    EventField("event_time", "time", True, "2019-10-01 00:00:00 UTC, or ISO 8601 with an offset; stored as UTC"),
    EventField("event_type", "type", True, "one of " + ", ".join(EVENT_TYPES)),
    EventField("product_id", "text", True, "kept as text, so that 19 digits survive"),
    EventField("category_id", "text", False, "kept as text"),
    EventField("category_code", "text", False, "levels joined by dots: electronics.smartphone"),
    EventField("brand", "text", False, "lower case"),
    EventField("price", "money", True, "price of one unit, not negative, two decimals", instead="amount"),
    EventField("user_id", "text", True, "the customer"),
    EventField("user_session", "text", False, "the visit"),
    EventField("quantity", "quantity", False, "units, 1 or more; 1 where it is missing"),
    EventField("order_id", "text", False, "where it is missing, the purchases of one session are one order"),
    EventField("amount", "amount", False, "money of all units together, not negative, two decimals"),
    EventField("event_id", "text", False, "where it is missing, a stable hash of the fields above"),
    EventField("anonymous_id", "text", False, "the browser"),
    EventField("currency", "currency", False, "the shop's own (`CDP_CURRENCY`), in capitals or not; it is not stored"),
    EventField("source", "text", False, "which import or tracker sent it"),
)
FIELD_NAMES = tuple(field.name for field in FIELDS)
#: The fields that are hashed into an id when the event has none. A field of a later version of the contract counts only when
#: present, so a message without it keeps its id.
IDENTITY = FIELD_NAMES[: FIELD_NAMES.index("event_id")]
IDENTITY_LATER = ("amount",)
