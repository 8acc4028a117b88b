"""The fields of an event as it travels: one JSON object a message, keyed by customer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventType:
    """What a customer can do, how the site shows it, and the column that counts it wherever events are counted by day."""

    name: str
    title: str
    icon: str
    counted_in: str = ""  # purchases are counted as orders and items


#: The one place where a type of event is added; docs/extending.md says what follows from it.
TYPES = (
    EventType("view", "View", "eye", "views"),
    EventType("cart", "Added to cart", "shopping-cart", "carts"),
    EventType("remove_from_cart", "Removed from cart", "circle-minus", "removals"),
    EventType("purchase", "Purchase", "shopping-bag"),
    EventType("refund", "Refund", "undo-2", "refunds"),
)
EVENT_TYPES = tuple(each.name for each in TYPES)
#: Type -> the column that counts its events.
COUNTS = {each.name: each.counted_in for each in TYPES if each.counted_in}
#: Of these an event has a revenue: money that came in, and money or goods taken back.
MONEY_TYPES = ("purchase", "refund")
MONEY_SCALE = 2
MAX_TEXT = 200
MAX_QUANTITY = 100_000
#: Of one event: its amount, or price times quantity. A sum of money has 16 digits before the point, room for 9,999 of these.
MAX_REVENUE = 10**12
#: Goes up when a message that was an event is one no longer, or becomes another event. docs/events.md tells what changed.
CONTRACT_VERSION = 3
#: Earlier than any web shop: a broken clock. Files from the nineties load.
EARLIEST_DAY = "1990-01-01"
#: A tracker's clock may run ahead by so much; what lies further ahead of the time it was received is a broken one.
MAX_AHEAD_HOURS = 24


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far values may go. The stream takes these, with the shop's currency; only a replay may be told others."""

    max_text: int = MAX_TEXT
    max_quantity: int = MAX_QUANTITY
    earliest_day: str = EARLIEST_DAY
    max_ahead_hours: int = MAX_AHEAD_HOURS
    currency: str = ""  # the only one that is taken, as in `Settings.currency`; "" takes any


BOUNDS = Bounds()

# How a text must look to be a value, for Java's and RE2's regular expressions alike: `$` would let a line separator pass in Java.
#: `2019-10-01 00:00:00 UTC` and ISO 8601 with seconds and an offset.
TIME = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,9})? ?(UTC|Z|[+-]\d{2}(:?\d{2})?)\z"
_DIGITS = r"(\d{1,30}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?\z"
NUMBER, NEGATIVE = r"^\+?" + _DIGITS, "^-" + _DIGITS
#: 2.0 is two: that is how a column of numbers with gaps is written by many tools.
WHOLE = r"^\+?\d{1,9}(\.0*)?\z"


@dataclass(frozen=True, slots=True)
class EventField:
    """A field of the message: what it is called, whether it must be there, and what it may hold."""

    name: str
    kind: str  # time, type, text, money, quantity, amount, currency
    required: bool
    about: str
    instead: str = ""  # a field that makes this one not required where it is given


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
#: What an event is known by where it brings no id of its own. A field that came with a later version of the contract counts only
#: where it is given, so that a message without it keeps its id.
IDENTITY = FIELD_NAMES[: FIELD_NAMES.index("event_id")]
IDENTITY_LATER = ("amount",)
