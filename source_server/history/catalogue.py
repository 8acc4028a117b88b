"""What the made shop sells: categories with brands and price ranges, and the products drawn from them.

Every figure here is invented. The names of columns and the look of ids follow the REES46 shop data.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import NamedTuple

SALE_DISCOUNT = 0.2
NO_BRAND_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of the shop. `code` is None where the shop never gave one."""

    code: str | None
    category_id: str
    popularity: float
    price: float  # the middle of its prices
    spread: float  # sigma of the prices' lognormal
    products: int
    brands: tuple[str, ...]
    several: float = 0.0  # share of purchases that take more than one unit
    id_digits: int = 8


# fmt: off
CATEGORIES = (
    Category("electronics.smartphone", "2053013555631882655", 26, 320.0, 0.70, 260, ("samsung", "apple", "xiaomi", "oppo")),
    Category("electronics.audio.headphone", "2053013554658804075", 11, 60.0, 0.80, 180, ("apple", "sony", "jbl"), 0.05),
    Category("electronics.video.tv", "2053013554415534427", 8, 410.0, 0.60, 120, ("samsung", "lg", "sony", "artel", "haier")),
    Category("electronics.clocks", "2053013553341792533", 7, 150.0, 0.80, 160, ("apple", "casio", "garmin", "samsung", "xiaomi")),
    Category("electronics.tablet", "2172371436436455782", 3, 230.0, 0.60, 70, ("apple", "samsung", "lenovo", "huawei")),
    Category("computers.notebook", "2053013558920217191", 9, 640.0, 0.50, 200, ("acer", "asus", "lenovo", "hp", "apple", "dell")),
    Category("computers.peripherals.mouse", "2053013563693335403", 3, 22.0, 0.70, 110, ("logitech", "razer", "hp"), 0.08),
    Category("computers.components.memory", "2053013560346280633", 2, 70.0, 0.60, 80, ("kingston", "corsair", "crucial"), 0.30),
    Category("appliances.kitchen.washer", "2053013563810775923", 6, 330.0, 0.40, 130, ("lg", "samsung", "beko", "bosch")),
    Category("appliances.kitchen.refrigerators", "2053013563911439225", 5, 480.0, 0.45, 120, ("lg", "samsung", "haier")),
    Category("appliances.environment.vacuum", "2053013565983425517", 6, 120.0, 0.70, 140, ("dyson", "samsung", "karcher")),
    Category("appliances.personal.hair_cutter", "2053013552326770905", 2, 38.0, 0.50, 60, ("philips", "braun", "panasonic")),
    Category("furniture.living_room.sofa", "2053013557477376525", 3, 360.0, 0.50, 80, ("brw", "ikea", "askona")),
    Category("furniture.bedroom.bed", "2053013554776244595", 2, 290.0, 0.50, 70, ("brw", "ikea", "askona"), 0.04),
    Category("apparel.shoes", "2053013553526341921", 7, 65.0, 0.50, 320, ("nike", "adidas", "puma", "new balance"), 0.10),
    Category("apparel.shoes.keds", "2053013557225718275", 3, 52.0, 0.45, 140, ("converse", "vans", "nike", "adidas"), 0.08),
    Category("kids.toys", "2053013561579406073", 4, 24.0, 0.70, 240, ("lego", "hasbro", "mattel", "fisher-price"), 0.25),
    Category("kids.carriage", "2053013565362668491", 2, 190.0, 0.50, 60, ("chicco", "baby jogger", "cybex")),
    Category("sport.bicycle", "2053013560530830019", 2, 260.0, 0.55, 70, ("stels", "trek", "giant")),
    Category("auto.accessories.player", "2053013553970938175", 3, 85.0, 0.60, 80, ("pioneer", "alpine", "kenwood"), 0.05),
    Category("stationery.cartridge", "2053013560899928785", 1, 18.0, 0.50, 60, ("hp", "canon", "epson"), 0.35),
    # Two shelves nobody has filed; the second is of a marketplace whose product numbers have 19 digits.
    Category(None, "2053013552259662037", 5, 12.0, 0.90, 300, ("lucente", "cordiant", "rondell"), 0.30),
    Category(None, "2127425375913902544", 3, 34.0, 0.80, 150, ("nika", "elari", "tefal"), 0.15, id_digits=19),
)
# fmt: on
#: Running totals of how often each category is looked at.
POPULARITY = tuple(accumulate(category.popularity for category in CATEGORIES))


class Product(NamedTuple):
    """A product as its rows show it; prices are text already."""

    product_id: str
    category_id: str
    category_code: str | None
    brand: str | None
    price: str
    sale_price: str
    several: float


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category's products, the best selling first, with running totals of how often they are looked at."""

    products: tuple[Product, ...]
    weights: tuple[float, ...]


def shelves(seed: int) -> tuple[Shelf, ...]:
    """The shop's goods, in the order of CATEGORIES."""
    return tuple(_shelf(Random(f"{seed}/shelf/{place}"), place, category) for place, category in enumerate(CATEGORIES))


def zipf_weights(size: int) -> tuple[float, ...]:
    """Running totals of 1/rank: few are wanted by many, many by few."""
    return tuple(accumulate(1 / (rank + 2) for rank in range(size)))


def _shelf(rng: Random, place: int, category: Category) -> Shelf:
    products = tuple(_product(rng, place, rank, category) for rank in range(category.products))
    return Shelf(products, zipf_weights(category.products))


def _product(rng: Random, place: int, rank: int, category: Category) -> Product:
    price = max(0.99, round(category.price * rng.lognormvariate(0.0, category.spread)) - 0.01)
    brands = zipf_weights(len(category.brands))
    brand = rng.choices(category.brands, cum_weights=brands)[0]
    return Product(
        product_id=str(10 ** (category.id_digits - 1) + place * 100_000 + rank * 37 + rng.randrange(37)),
        category_id=category.category_id,
        category_code=category.code,
        brand=None if rng.random() < NO_BRAND_SHARE else brand,
        price=f"{price:.2f}",
        sale_price=f"{price * (1 - SALE_DISCOUNT):.2f}",
        several=category.several,
    )
