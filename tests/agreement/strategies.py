"""Generated customers and rules, shared by the tests that compare the meanings of a rule.

Rules and customers draw from the same small pools of nasty values, so they match often.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from hypothesis import strategies as st

from cdp.metrics import BY_KEY, Kind, Metric
from cdp.rules import (
    OPERATORS,
    All,
    Any,
    Behaviour,
    Compare,
    Facts,
    Filter,
    InList,
    InSegment,
    Interaction,
    Not,
    Operator,
    Rank,
    Recommendation,
    Recommended,
    Rule,
    Sequence,
    Step,
    Window,
    check,
    matches,
)
from cdp.rules.behaviours import EVENT_FIELDS, EVENTS, MEASURES, SHARED_FIELDS, EventField, Measure
from cdp.rules.operators import BY_KEY as BY_OPERATOR
from cdp.rules.operators import ValueKind
from cdp.rules.recommended import CATEGORY, PRODUCT, TOP_CATEGORY
from cdp.rules.values import find_fault
from cdp.rules.windows import WINDOW_KINDS, WindowKind

AS_OF = date(2020, 2, 29)
KINDS: tuple[Kind, ...] = ("integer", "money", "number", "date", "text")
#: Two metrics of each kind: enough to tell columns apart, and quick to generate. One text has choices, the other is free.
FIELDS = tuple(
    BY_KEY[key]
    for key in (
        "sessions", "recency_score", "total_purchase_value", "revenue_30d", "abandonment_rate", "mean_days_between_orders",
        "first_seen", "last_order", "rfm_group", "favourite_brand_by_views",
    )
)  # fmt: skip
PAIRS = [(kind, operator) for kind in KINDS for operator in OPERATORS if kind in operator.kinds]

Customer = dict[str, object]

_TEXTS = (
    "a", "A", "Σ", "σ", "ς", "ΑΣ", "αs", "İi", "ÉA", "Ǆ", "ǅ", "ĐĂ",
    "ab", "a b", " a", "a ", "%", "_", "a%", "a_b", "'", "''", '"', "\\", "\\'", "\\n", "`", ";--", "/*", "{}",
    "$", "${", "${env:HOME}", "$${x}", "é", "e\u0301", "ß", "ẞ", "SS", "İ", "i\u0307", "ı", "ﬁ", "日本", "Việt",
    "😀", "👩‍👧", "\u200b", "\u2028", "\ufeff", "NULL", "0",
)  # fmt: skip
_DAYS_AROUND = (-36_500, -366, -365, -31, -30, -29, -2, -1, 0, 1, 2)


@dataclass(frozen=True)
class World:
    """Everything that a rule is evaluated on. A customer is the position in the list."""

    customers: list[Customer]
    interactions: list[list[Interaction]]
    lists: dict[int, frozenset[int]] = field(default_factory=dict)
    segments: dict[int, Rule] = field(default_factory=dict)
    recommendations: list[list[Recommendation]] = field(default_factory=list)

    def facts(self, number: int) -> Facts:
        lists = frozenset(key for key, members in self.lists.items() if number in members)
        recommendations = self.recommendations[number] if self.recommendations else []
        return Facts(
            AS_OF, self.customers[number], self.interactions[number], lists, self.segments, lambda key: self.rank(number, key),
            recommendations,
        )  # fmt: skip

    def rank(self, number: int, key: str) -> Rank | None:
        """Sorted in the plainest way: once from the top, once from the bottom."""
        if self.customers[number].get(key) is None:
            return None
        valued = [i for i, customer in enumerate(self.customers) if customer.get(key) is not None]
        rising = sorted(valued, key=lambda i: (self.customers[i][key], str(i)))  # type: ignore[arg-type, return-value]
        ids = sorted(valued, key=str)
        falling = sorted(ids, key=lambda i: self.customers[i][key], reverse=True)  # type: ignore[arg-type, return-value]
        return Rank(falling.index(number) + 1, rising.index(number) + 1, len(valued))

    def select(self, rule: Rule) -> list[str]:
        """The ids that the interpreter selects."""
        return sorted(str(i) for i in range(len(self.customers)) if matches(rule, self.facts(i)))


def _decimals(scale: int) -> st.SearchStrategy[Decimal]:
    largest = Decimal(10**18 - 1).scaleb(-scale)
    smallest = Decimal(1).scaleb(-scale)
    pool = (Decimal(0), smallest, -smallest, Decimal(1), 1 - smallest, 1 + smallest, Decimal("12.5"), largest, -largest)
    return st.sampled_from(pool) | st.decimals(-largest, largest, places=scale, allow_nan=False)


_rule_text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=5)

VALUES: dict[str, st.SearchStrategy[typing.Any]] = {
    "integer": st.sampled_from((0, 1, 2, 3, -1, 10**18 - 1, 1 - 10**18)) | st.integers(1 - 10**18, 10**18 - 1),
    "money": _decimals(2),
    "number": _decimals(6),
    "date": st.sampled_from([AS_OF + timedelta(days=n) for n in _DAYS_AROUND]) | st.dates(),
    "text": st.sampled_from(_TEXTS) | _rule_text,
    "days": st.sampled_from((1, 2, 3, 29, 30, 31, 365, 366, 36_500)) | st.integers(1, 36_500),
    "count": st.sampled_from((1, 2, 3, 4, 5, 6, 7, 10_000_000)),
    "percent": st.sampled_from(
        [Decimal(text) for text in ("0", "0.01", "16.66", "16.67", "33.33", "33.34", "50", "99.99", "100")]
    ),
}
#: A customer may have texts that no rule may hold: the empty one, and control characters.
_customer_text = VALUES["text"] | st.just("") | st.text(st.characters(codec="utf-8"), max_size=5)


def customers() -> st.SearchStrategy[list[Customer]]:
    """Up to six customers over FIELDS; any value may be missing."""
    return st.lists(st.fixed_dictionaries({metric.key: _metric_values(metric) for metric in FIELDS}), min_size=1, max_size=6)


def _metric_values(metric: Metric) -> st.SearchStrategy[typing.Any]:
    if metric.choices:
        return st.none() | st.sampled_from(metric.choices)
    return st.none() | (_customer_text if metric.kind == "text" else VALUES[metric.kind])


def leaves(kind: Kind, operator: Operator) -> st.SearchStrategy[Compare]:
    """Valid comparisons of one kind with one operator."""
    return st.sampled_from([m for m in FIELDS if m.kind == kind]).flatmap(
        lambda metric: _rule_values(metric, operator).map(lambda value: Compare(metric.key, operator.key, value))
    )


def _rule_values(metric: Metric, operator: Operator) -> st.SearchStrategy[typing.Any]:
    one = VALUES[operator.value_kind(metric.kind)]
    if metric.choices and operator.key in ("eq", "ne", "in", "not_in"):
        one = st.sampled_from(metric.choices)
    return _shape_values(operator.values, one)


def _shape_values(count: str, one: st.SearchStrategy[typing.Any]) -> st.SearchStrategy[typing.Any]:
    shapes: dict[str, Callable[[], st.SearchStrategy[typing.Any]]] = {
        "none": st.none,
        "one": lambda: one,
        "two": lambda: st.tuples(one, one).map(sorted).map(tuple),
        "many": lambda: st.lists(one, min_size=1, max_size=4).map(tuple),
    }
    return shapes[count]()


def build_edge_customers(leaf: Compare) -> list[Customer]:
    """Customers with exactly the values of a comparison, and with the values right beside them."""
    metric = BY_KEY[leaf.field]
    kind = BY_OPERATOR[leaf.operator].value_kind(metric.kind)
    if kind not in _NEIGHBOURS:
        return []
    values = [neighbour for value in leaf.values for neighbour in _NEIGHBOURS[kind](value)]
    return [{metric.key: value} for value in values if metric.kind == "text" or not find_fault(metric.kind, value)]


def _decimals_beside(step: str) -> Callable[[typing.Any], list[object]]:
    return lambda value: [value - Decimal(step), value, value + Decimal(step)]


def _days_beside(day: date) -> list[object]:
    """The day and its neighbours, within the first and last day of the calendar."""
    offsets = [n for n in (-1, 0, 1) if date.min.toordinal() <= day.toordinal() + n <= date.max.toordinal()]
    return [day + timedelta(days=n) for n in offsets]


_NEIGHBOURS: dict[str, Callable[[typing.Any], list[object]]] = {
    "integer": lambda value: [value - 1, value, value + 1],
    "money": _decimals_beside("0.01"),
    "number": _decimals_beside("0.000001"),
    "date": _days_beside,
    "text": lambda value: [value, f"{value}x", f"x{value}", value[1:], value.swapcase()],
    "days": lambda value: [*_days_beside(AS_OF), *_days_beside(AS_OF - timedelta(days=value))],
}


# Behaviours: small pools, so that rules and events meet.
_PRODUCTS = ("p1", "p2", "P1", "'")
_CATEGORIES = ("electronics", "Electronics", "home", "%")
_BRANDS = ("acme", "ACME", "ÉTÉ", "été", "$")
_PRICES = tuple(map(Decimal, ("0.00", "9.99", "10.00", "10.01", "9999999999.99")))
_DAYS_AGO = (0, 1, 2, 3, 6, 7, 8, 28, 29, 30, 31, 59, 60, 365, 366, 400)
_AMOUNTS = tuple(map(Decimal, ("0.00", "0.01", "10.00", "33.33", "66.67", "9999999999999999.99")))
_HOURS = (0, 11, 12, 23)
#: An event after the published day: a later night has written it.
_EVENT_DAYS = [AS_OF - timedelta(days=n) for n in (-1, *_DAYS_AGO)]
LISTS, SEGMENTS = (1, 2), (1, 2)


def build_interactions(random: Random) -> list[Interaction]:
    """What one customer did: up to eight rows. Drawn from a seed, because Hypothesis needs long for so many values."""
    return [_build_interaction(random) for _ in range(random.choice((0, 1, 2, 3, 5, 8)))]


def _build_interaction(random: Random) -> Interaction:
    event, amount = random.choice(EVENTS[:-1]), random.choice(_AMOUNTS)
    return Interaction(
        day=random.choice(_EVENT_DAYS),
        hour=random.choice(_HOURS),
        event_type=event,
        product_id=random.choice(_PRODUCTS),
        category_1=random.choice((None, *_CATEGORIES)),
        category_2=random.choice((None, *_CATEGORIES)),
        category_3=random.choice((None, *_CATEGORIES)),
        brand=random.choice((None, *_BRANDS)),
        price=random.choice((None, *_PRICES)),
        events=random.randint(1, 3),
        quantity=random.choice((1, 2, 100_000)),
        money={"purchase": amount, "refund": -amount}.get(event, Decimal("0.00")),
    )


_RECOMMENDED_CATEGORIES = ("electronics", "electronics.audio", "electronics.audio.headphone", "electronic", "home", "%", "a'b.c")


def build_recommendations(random: Random) -> list[Recommendation]:
    """The list of one customer: places without a gap, as a publication writes them."""
    categories = (None, "", *_RECOMMENDED_CATEGORIES)
    products = random.sample(_PRODUCTS, random.randrange(len(_PRODUCTS) + 1))
    return [Recommendation(place, product, random.choice(categories)) for place, product in enumerate(products, 1)]


_FILTER_VALUES: dict[str, st.SearchStrategy[typing.Any]] = {
    "product_id": st.sampled_from(_PRODUCTS),
    "category_1": st.sampled_from(_CATEGORIES),
    "category_2": st.sampled_from(_CATEGORIES),
    "category_3": st.sampled_from(_CATEGORIES),
    "brand": st.sampled_from((*_BRANDS, "ac", "été", "É")),
    "price": st.sampled_from(_PRICES),
    "weekday": st.integers(1, 7),
    "hour": st.sampled_from(_HOURS),
}
FILTER_PAIRS = [(field, operator) for field in EVENT_FIELDS for operator in field.operators]


def filters(field: EventField, operator: Operator) -> st.SearchStrategy[Filter]:
    values = _shape_values(operator.values, _FILTER_VALUES[field.key])
    return values.map(lambda value: Filter(field.key, operator.key, value))


_any_filter = st.sampled_from(FILTER_PAIRS).flatmap(lambda pair: filters(*pair))


def _steps(events: tuple[str, ...] = EVENTS, least: int = 0) -> st.SearchStrategy[Step]:
    return st.builds(Step, st.sampled_from(events), st.lists(_any_filter, min_size=least, max_size=2).map(tuple))


def _window(kind: WindowKind) -> st.SearchStrategy[Window]:
    days: st.SearchStrategy[typing.Any] = (
        st.sampled_from(_EVENT_DAYS) if kind.takes == "date" else st.sampled_from([n for n in _DAYS_AGO if n])
    )
    sizes = {"none": 0, "one": 1, "two": 2}
    values = st.tuples(*[days] * sizes[kind.values])
    return values.map(lambda values: Window(kind.key, tuple(sorted(values))))


windows = st.sampled_from(WINDOW_KINDS).flatmap(_window)
MEASURE_PAIRS = [(measure, operator) for measure in MEASURES for operator in measure.operators]
_MEASURE_VALUES: dict[ValueKind, st.SearchStrategy[typing.Any]] = {
    "integer": st.sampled_from((0, 1, 2, 3, 100_000, -1)),
    "money": st.sampled_from(tuple(map(Decimal, ("0", "0.01", "10", "43.33", "100", "-1", "9999999999999999.99")))),
    "percent": VALUES["percent"],
    "date": st.sampled_from(_EVENT_DAYS),
    "days": st.sampled_from([n for n in _DAYS_AGO if n]),
}


def behaviours(measure: Measure, operator: Operator) -> st.SearchStrategy[Behaviour]:
    values = _shape_values(operator.values, _MEASURE_VALUES[operator.value_kind(measure.kind)])
    steps = _steps(measure.events, int(measure.key.startswith("share_of_")))
    return st.builds(Behaviour, steps, st.just(measure.key), st.just(operator.key), values, windows)


sequences: st.SearchStrategy[Sequence] = st.builds(
    Sequence,
    _steps(),
    _steps(),
    st.booleans(),
    st.sampled_from((0, 1, 2, 7, 30, 366)),
    st.sampled_from(("", *SHARED_FIELDS)),
    windows,
)


_places = st.sampled_from((1, 2, 3, 100))
recommended: st.SearchStrategy[Rule] = st.builds(
    Recommended, st.just(PRODUCT), st.lists(st.sampled_from(_PRODUCTS), min_size=1, max_size=2).map(tuple), _places
) | st.builds(
    Recommended,
    st.sampled_from((CATEGORY, TOP_CATEGORY)),
    st.lists(st.sampled_from(_RECOMMENDED_CATEGORIES), min_size=1, max_size=2).map(tuple),
    _places,
)


def any_leaf() -> st.SearchStrategy[Rule]:
    comparisons = st.sampled_from(PAIRS).flatmap(lambda pair: leaves(*pair))
    measured = st.sampled_from(MEASURE_PAIRS).flatmap(lambda pair: behaviours(*pair))
    references: st.SearchStrategy[Rule] = st.sampled_from([*map(InList, LISTS), *map(InSegment, SEGMENTS)])
    return st.one_of(comparisons, measured, sequences, references, recommended)


def rules() -> st.SearchStrategy[Rule]:
    """Valid trees of a few leaves; they may refer to the segments of `worlds`."""
    return _trees(any_leaf())


def _trees(leaf: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    return st.recursive(leaf, _one_level_more, max_leaves=6)


def _one_level_more(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    children = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return children.map(All) | children.map(Any) | inner.map(Not)


def worlds() -> st.SearchStrategy[World]:
    """Customers, what they did, and two lists."""
    return st.builds(_build_world, customers(), st.integers(0, 2**32))


def worlds_with_segments() -> st.SearchStrategy[World]:
    """Two segments more, of which the second refers to the first."""
    plain = any_leaf().filter(lambda leaf: not isinstance(leaf, InSegment))
    return st.builds(_add_segments, worlds(), _trees(plain), plain)


def _build_world(people: list[Customer], seed: int) -> World:
    random = Random(seed)
    lists = {number: frozenset(i for i in range(len(people)) if random.random() < 0.5) for number in LISTS}
    return World(
        people,
        [build_interactions(random) for _ in people],
        lists,
        recommendations=[build_recommendations(random) for _ in people],
    )


def _add_segments(world: World, first: Rule, second: Rule) -> World:
    assert check(first) == check(second) == []
    return replace(world, segments={1: first, 2: Any((second, Not(InSegment(1))))})
