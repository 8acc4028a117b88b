"""Requests and answers of the API: what its description at /docs is made from."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from cdp.kinds import MONEY_SCALE
from cdp.recommend.exposures import CLICK
from cdp_web.recommend.api.ladder import Filters


def _require_printable(text: str) -> str:
    """As cdp.recommend.exposures does, so no message is refused later."""
    if not text.isprintable():
        raise ValueError("it has a character that can't be printed")
    return text


Id = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"), AfterValidator(_require_printable)
]
ExposureId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Place = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9_-]{0,39})?$")]
Price = Annotated[Decimal, Field(ge=0, le=10**12, decimal_places=MONEY_SCALE)]
DEFAULT_COUNT, MOST_COUNT, MOST_PRODUCTS, MOST_REPORTS = 10, 50, 100, 100


class Wishes(BaseModel):
    """What every list can be asked for. Unknown names are refused, so misspelt ones are noticed."""

    model_config = ConfigDict(extra="forbid")
    place: Place = Field("", description="where on the shop's pages the list is shown, such as home, product or cart")
    count: int = Field(DEFAULT_COUNT, ge=1, le=MOST_COUNT, description="products in the list")
    category: str = Field("", max_length=200, description="code of a category: only its products, and those of categories below")
    min_price: Price | None = Field(None, description="only products of this price or more")
    max_price: Price | None = Field(None, description="only products of this price or less")
    exclude: list[Id] = Field([], max_length=MOST_PRODUCTS, description="products that are not wanted, such as those on the page")
    log: bool = Field(True, description="whether the list is shown to a customer; false for previews, which no result counts")

    @property
    def filters(self) -> Filters:
        return Filters(self.category, _in_hundredths(self.min_price), _in_hundredths(self.max_price), self.exclude)


def _in_hundredths(price: Decimal | None) -> int | None:
    return None if price is None else int(price.scaleb(MONEY_SCALE))


class CustomerQuery(Wishes):
    list: Literal["for-you", "buy-again"] = Field("for-you", description="which list")


class ProductQuery(Wishes):
    list: Literal["goes-with", "similar"] = Field("goes-with", description="which list")
    customer_id: Id | None = Field(None, description="who sees the list: products that were bought are left out")


class Session(Wishes):
    """A visit."""

    products: list[Id] = Field(max_length=MOST_PRODUCTS, description="what the visitor has looked at, the latest first")
    customer_id: Id | None = Field(None, description="the customer, or an id of the browser before the login")


class Cart(Wishes):
    """A cart."""

    products: list[Id] = Field(max_length=MOST_PRODUCTS, description="what is in the cart, the latest first")
    customer_id: Id | None = Field(None, description="the customer, or an id of the browser before the login")


class Click(BaseModel):
    model_config = ConfigDict(extra="forbid")
    product_id: Id = Field(description="the product of the list that was clicked")


class Report(BaseModel):
    """That a list was seen, or a product of it clicked."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["seen", "click"]
    exposure_id: ExposureId = Field(description="from the answer with the list")
    product_id: Id | None = Field(None, description="for a click")

    @model_validator(mode="after")
    def require_product(self) -> Report:
        if (self.kind == CLICK) != (self.product_id is not None):
            raise ValueError("a click needs a product_id, and nothing else has one")
        return self


class Reports(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reports: list[Report] = Field(min_length=1, max_length=MOST_REPORTS)


class Why(BaseModel):
    code: str = Field(description="for programs, such as looked-at, seen-together, similar, new, bought, popular")
    product_id: str | None = Field(description="the product that the sentence names")
    text: str = Field(description="a sentence for people")


class Product(BaseModel):
    product_id: str
    name: str = Field(description="empty if the shop's database is not connected")
    price: str = Field(description="in the shop's currency")
    category: str = Field(description="its code")
    new: bool = Field(description="shown because it is new, whatever its score")
    reason: Why


class Answer(BaseModel):
    list: str
    place: str
    source: str = Field(description="how the first product was found: session, stored, computed, popular, …")
    publication: str = Field(description="which publication the list was made from; empty: nothing is published yet")
    stale: bool = Field(description="Redis did not answer in time, so the customer's newest events may be missing")
    experiment: str = Field(description="the experiment in which the customer takes part; empty: none")
    arm: str
    exposure_id: str = Field(description="to report with what was seen and clicked; empty if log is false")
    items: Sequence[Product]


class Health(BaseModel):
    status: Literal["ok", "problem"]
    serves: str
    problem: str


class Accepted(BaseModel):
    accepted: int = Field(description="reports that were taken")
