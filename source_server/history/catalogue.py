"""What the sample shop sells: categories with brands and price ranges, and the products drawn from them.

All figures are invented. The names of columns, the form of ids, and the share of smartphones and of uncategorised goods follow
the REES46 shop data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from source_server.history.lines import BELOW_ONE, lay_out
from source_server.history.seeds import Floats, Ints, make_rng

#: Events of the shop that is generated if nobody says how many.
EVENTS = 300_000
SALE_DISCOUNT = 0.2
#: A shop has this many products times the square root of its events: REES46 has 166,794 products at 42 million events.
PRODUCTS_BY_ROOT = 25.6
FEWEST_ON_A_SHELF = 12
BRANDED_RANKS = 5  # the best sellers of a shelf are branded and near its median price
SKEW = 0.95  # exponent of the Zipf law of a shelf
SHELF_NUMBERS, PRODUCT_NUMBERS = 10_000_000, 37  # the range of product ids per shelf and per product


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of the shop. `code` is None if the shop never gave one."""

    code: str | None
    category_id: str
    popularity: float  # share of views, in per cent
    price: float  # the median of its prices
    spread: float  # sigma of the prices' lognormal
    appeal: float  # the likelihood that a visit ends in a purchase, relative to the others
    brands: tuple[str, ...]
    unbranded: float = 0.06  # share of its products that carry no brand
    several: float = 0.0  # share of purchases that take more than one unit
    id_base: int = 10_000_000


# fmt: off
CATEGORIES = (
    Category("electronics.smartphone", "2053013555631882655", 26.5, 350, 0.75, 1.75, ("samsung", "apple", "oppo"), 0.01),
    Category("electronics.clocks", "2053013553341792533", 3.2, 270, 0.80, 0.62, ("apple", "casio", "garmin", "samsung")),
    Category("electronics.video.tv", "2053013554415534427", 3.4, 380, 0.60, 0.95, ("samsung", "lg", "artel", "haier"), 0.02),
    Category("electronics.audio.headphone", "2053013554658804075", 2.9, 110, 0.80, 1.50, ("apple", "sony", "jbl"), 0.04, 0.05),
    Category("electronics.audio.subwoofer", "2053013553945772349", 0.9, 85, 0.60, 0.75, ("pioneer", "alpine", "kicx")),
    Category("electronics.tablet", "2172371436436455782", 0.9, 260, 0.60, 0.85, ("apple", "samsung", "lenovo", "huawei"), 0.02),
    Category("electronics.telephone", "2053013557024391671", 0.9, 28, 0.50, 0.80, ("nokia", "panasonic", "texet"), 0.04),
    Category("computers.notebook", "2053013558920217191", 3.6, 620, 0.50, 0.62, ("acer", "asus", "lenovo", "hp", "apple"), 0.02),
    Category("computers.desktop", "2053013561092866779", 0.9, 560, 0.50, 0.55, ("pulser", "hp", "apple", "acer")),
    Category("computers.peripherals.mouse", "2053013563693335403", 0.7, 26, 0.70, 0.90, ("logitech", "razer", "hp"), 0.06, 0.08),
    Category("computers.peripherals.printer", "2053013560312726199", 0.6, 190, 0.50, 0.80, ("canon", "epson", "hp", "xerox")),
    Category("computers.components.memory", "2053013560346280633", 0.5, 75, 0.60, 0.90, ("kingston", "corsair"), 0.05, 0.30),
    Category("appliances.kitchen.washer", "2053013563810775923", 2.2, 330, 0.40, 1.00, ("lg", "samsung", "beko", "bosch"), 0.02),
    Category("appliances.kitchen.refrigerators", "2053013563911439225", 2.3, 430, 0.45, 0.75, ("lg", "samsung", "haier"), 0.02),
    Category("appliances.kitchen.microwave", "2053013554776244596", 0.8, 85, 0.40, 0.90, ("samsung", "lg", "midea")),
    Category("appliances.kitchen.kettle", "2053013554751078769", 0.7, 32, 0.50, 0.90, ("tefal", "polaris", "redmond")),
    Category("appliances.environment.vacuum", "2053013565983425517", 1.9, 140, 0.70, 0.95, ("dyson", "samsung", "karcher"), 0.03),
    Category("appliances.environment.air_heater", "2053013560810000321", 0.6, 60, 0.50, 0.80, ("almacom", "ava", "equation")),
    Category("appliances.personal.hair_cutter", "2053013552326770905", 0.6, 40, 0.50, 0.80, ("philips", "braun", "panasonic")),
    Category("furniture.living_room.sofa", "2053013557477376525", 1.3, 290, 0.50, 0.30, ("brw", "askona", "linea"), 0.45),
    Category("furniture.bedroom.bed", "2053013554776244595", 1.2, 240, 0.50, 0.30, ("brw", "askona", "linea"), 0.45, 0.04),
    Category("furniture.kitchen.table", "2053013557066334714", 0.7, 130, 0.50, 0.30, ("brw", "zeta", "linea"), 0.50, 0.06),
    Category("apparel.shoes", "2053013553526341921", 3.0, 75, 0.50, 0.35, ("respect", "nike", "adidas", "puma"), 0.22, 0.06),
    Category("apparel.shoes.keds", "2053013557225718275", 1.9, 68, 0.45, 0.35, ("baden", "vans", "nike", "adidas"), 0.22, 0.05),
    Category("apparel.costume", "2053013558525953589", 0.8, 62, 0.50, 0.30, ("dekora", "nord", "lana"), 0.50, 0.05),
    Category("kids.toys", "2053013561579406073", 1.3, 26, 0.70, 0.70, ("lego", "hasbro", "mattel", "fisher-price"), 0.15, 0.25),
    Category("kids.carriage", "2053013565362668491", 0.8, 190, 0.50, 0.50, ("chicco", "rant", "cybex"), 0.06),
    Category("sport.bicycle", "2053013560530830019", 0.9, 230, 0.55, 0.40, ("stels", "trek", "giant"), 0.10),
    Category("construction.tools.drill", "2053013556311359947", 0.9, 90, 0.60, 0.70, ("bosch", "makita", "metabo"), 0.05),
    Category("auto.accessories.player", "2053013553970938175", 0.9, 95, 0.60, 0.75, ("pioneer", "alpine", "kenwood"), 0.08, 0.05),
    Category("stationery.cartridge", "2053013560899928785", 0.4, 22, 0.50, 0.90, ("hp", "canon", "epson"), 0.08, 0.35),
    # Shelves without a category; the last two belong to a marketplace, whose product numbers have 19 digits.
    Category(None, "2053013552259662037", 6.5, 45, 0.90, 0.65, ("lucente", "cordiant", "rondell"), 0.42, 0.20),
    Category(None, "2053013562183385881", 6.0, 120, 0.80, 0.45, ("triangle", "viatti", "nokian"), 0.38, 0.30),
    Category(None, "2053013553945772350", 5.2, 210, 0.70, 0.40, ("maona", "gezatone", "sv"), 0.42),
    Category(None, "2053013558223963715", 4.6, 65, 0.80, 0.50, ("weissgauff", "sokolov", "arno"), 0.44, 0.05),
    Category(None, "2053013564003713919", 3.9, 34, 0.80, 0.70, ("nika", "elari", "tefal"), 0.42, 0.15),
    Category(None, "2127425375913902544", 3.4, 38, 0.80, 0.60, ("vitek", "orient", "cango"), 0.46, 0.15, 10**18),
    Category(None, "2127425434567123845", 2.2, 90, 0.70, 0.60, ("ritmix", "tamaris", "olmio"), 0.46, 0.10, 10**18),
)
# fmt: on

#: What is bought for what, by code of the category.
COMPLEMENTS = {
    "electronics.smartphone": "electronics.audio.headphone",
    "electronics.audio.headphone": "electronics.smartphone",
    "electronics.clocks": "electronics.smartphone",
    "electronics.video.tv": "electronics.audio.subwoofer",
    "electronics.audio.subwoofer": "auto.accessories.player",
    "electronics.tablet": "electronics.audio.headphone",
    "computers.notebook": "computers.peripherals.mouse",
    "computers.desktop": "computers.components.memory",
    "computers.peripherals.mouse": "computers.notebook",
    "computers.peripherals.printer": "stationery.cartridge",
    "computers.components.memory": "computers.desktop",
    "appliances.kitchen.washer": "appliances.kitchen.refrigerators",
    "appliances.kitchen.refrigerators": "appliances.kitchen.washer",
    "appliances.kitchen.microwave": "appliances.kitchen.kettle",
    "appliances.kitchen.kettle": "appliances.kitchen.microwave",
    "furniture.living_room.sofa": "furniture.kitchen.table",
    "furniture.bedroom.bed": "furniture.living_room.sofa",
    "furniture.kitchen.table": "furniture.bedroom.bed",
    "apparel.shoes": "apparel.costume",
    "apparel.shoes.keds": "apparel.shoes",
    "apparel.costume": "apparel.shoes",
    "kids.toys": "kids.carriage",
    "kids.carriage": "kids.toys",
    "auto.accessories.player": "electronics.audio.subwoofer",
    "stationery.cartridge": "computers.peripherals.printer",
}


@dataclass(frozen=True)
class Catalogue:
    """The products of all shelves in a row, the best sellers of a shelf first. Texts are in the form of the rows.

    The products of a shelf also lie on a line, where neighbours are alike (see lines.py). A customer's taste is a place on the
    lines of all shelves.
    """

    product_id: pa.Array
    category_id: pa.Array
    category_code: pa.Array
    brand: pa.Array
    price: pa.Array
    sale_price: pa.Array
    shelf: Ints  # of each product
    line: Ints  # the products in the order of the lines
    view_totals: Floats  # running total of the share of views, in the order of the lines; each shelf adds 1
    complement: Ints  # the shelf that goes with each shelf; itself if there is none
    appeal: Floats  # of each shelf
    several: Floats  # of each shelf

    def find(self, shelves: Ints, tastes: Floats, steps: Ints) -> Ints:
        """The products at these places on the lines of the shelves, or some steps beside them. A line is a circle. A few products
        take up much of it, most take up little."""
        places = np.searchsorted(self.view_totals, shelves + np.minimum(tastes % 1.0, BELOW_ONE), side="right")
        starts = self._starts[shelves]
        return self.line[starts + (places - starts + steps) % self._sizes[shelves]]

    @cached_property
    def _sizes(self) -> Ints:
        return np.bincount(self.shelf)

    @cached_property
    def _starts(self) -> Ints:
        return np.cumsum(self._sizes) - self._sizes


def make_catalogue(seed: int, events: int) -> Catalogue:
    """The products of a shop with this many events."""
    sizes = _shelf_sizes(round(PRODUCTS_BY_ROOT * events**0.5))
    shelf = np.repeat(np.arange(len(CATEGORIES)), sizes)
    rngs = [make_rng(seed, "shelf", place) for place in range(len(CATEGORIES))]
    shelves = list(zip(rngs, CATEGORIES, sizes.tolist(), strict=True))
    cents = np.concatenate([_draw_cents(rng, category, size) for rng, category, size in shelves])
    brand = pa.concat_arrays([_draw_brands(*one) for one in shelves])
    line, view_totals = lay_out(seed, cents, brand, [np.diff(zipf(size), prepend=0.0) for size in sizes.tolist()])
    return Catalogue(
        product_id=_to_texts(number for place, one in enumerate(shelves) for number in _draw_numbers(place, *one)),
        category_id=_spread([category.category_id for category in CATEGORIES], shelf),
        category_code=_spread([category.code for category in CATEGORIES], shelf),
        brand=brand,
        price=_format_money(cents),
        sale_price=_format_money(np.rint(cents * (1 - SALE_DISCOUNT)).astype(np.int64)),
        shelf=shelf,
        line=line,
        view_totals=view_totals,
        complement=_find_complements(),
        appeal=np.array([category.appeal for category in CATEGORIES]),
        several=np.array([category.several for category in CATEGORIES]),
    )


def popularity() -> Floats:
    """Running total of each category's share of views, up to 1."""
    shares = np.cumsum([category.popularity for category in CATEGORIES])
    return shares / shares[-1]


def zipf(size: int) -> Floats:
    """Running total of the Zipf shares of a shelf's products, up to 1."""
    weights = np.cumsum(1 / (np.arange(size) + 3.0) ** SKEW)
    return weights / weights[-1]


def _shelf_sizes(products: int) -> Ints:
    """Popular shelves have more products, though not in proportion."""
    width = np.array([category.popularity for category in CATEGORIES]) ** 0.6
    return np.maximum(FEWEST_ON_A_SHELF, np.rint(products * width / width.sum())).astype(np.int64)


def _draw_cents(rng: np.random.Generator, category: Category, size: int) -> Ints:
    spread = category.spread * np.minimum(1.0, (np.arange(size) + 4) / (4 * BRANDED_RANKS))
    prices = category.price * np.exp(rng.normal(0.0, 1.0, size) * spread)
    return np.clip(np.rint(prices * 100), 99, 999_999).astype(np.int64)


def _draw_numbers(place: int, rng: np.random.Generator, category: Category, size: int) -> list[int]:
    numbers = np.arange(size) * PRODUCT_NUMBERS + rng.integers(0, PRODUCT_NUMBERS, size)
    return (category.id_base + place * SHELF_NUMBERS + numbers).tolist()


def _draw_brands(rng: np.random.Generator, category: Category, size: int) -> pa.Array:
    brand = np.searchsorted(zipf(len(category.brands)), rng.random(size), side="right")
    nameless = (rng.random(size) < category.unbranded) & (np.arange(size) >= BRANDED_RANKS)
    return pa.array(category.brands, pa.string()).take(pa.array(brand, mask=nameless))


def _find_complements() -> Ints:
    shelves = {category.code: shelf for shelf, category in enumerate(CATEGORIES)}
    return np.array([shelves.get(COMPLEMENTS.get(category.code or ""), shelf) for shelf, category in enumerate(CATEGORIES)])


def _spread(values: list[str] | list[str | None], shelf: Ints) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(shelf))


def _to_texts(numbers: Iterable[int]) -> pa.Array:
    return pa.array([str(number) for number in numbers], pa.string())


def _format_money(cents: Ints) -> pa.Array:
    return pa.array([f"{one // 100}.{one % 100:02}" for one in cents.tolist()], pa.string())
