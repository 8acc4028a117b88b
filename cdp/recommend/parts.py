"""What training on the days up to one day leaves: everything that the models need, as arrays in files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from cdp.recommend.histories import Floats, Ints, Texts
from cdp.recommend.models import Als, LastViewed, Model, Neighbours, OwnPast, Popular, PopularInCategory

#: Names of the models that are trained and may be promoted.
ALS, SEEN_TOGETHER, ALIKE = "als", "seen-together", "alike"
TRAINED = (ALS, SEEN_TOGETHER, ALIKE)
POPULAR, POPULAR_IN_CATEGORY = "popular", "popular-in-category"


@dataclass(frozen=True)
class Part:
    """The state of all models as of a day."""

    day: date
    product_ids: Texts
    category: Ints
    popularity: Floats
    als: Als | None = None
    neighbours: dict[str, tuple[Ints, Floats]] | None = None
    #: How far the factors of some customers as trained are from those that follow from their histories.
    fold_in_difference: float = 0.0

    @property
    def models(self) -> dict[str, Model]:
        models: list[Model] = [
            Popular(self.popularity, POPULAR),
            PopularInCategory(self.popularity, self.category, POPULAR_IN_CATEGORY),
            *(Neighbours(name, *arrays) for name, arrays in (self.neighbours or {}).items()),
            *([self.als] if self.als else []),
        ]
        return {model.name: model for model in models}

    @property
    def past_models(self) -> list[Model]:
        """The models that list again what a customer has had."""
        return [OwnPast(len(self.product_ids)), LastViewed(len(self.product_ids))]

    def add(self, other: Part | None) -> Part:
        """With the models of another part of the same day too."""
        if other is None:
            return self
        neighbours = (other.neighbours or {}) | (self.neighbours or {})
        difference = max(self.fold_in_difference, other.fold_in_difference)
        return replace(self, als=self.als or other.als, neighbours=neighbours, fold_in_difference=difference)

    def align(self, product_ids: Texts) -> Part:
        """The same models for other products: new ones are unknown to them, others are left out."""
        old = {product: number for number, product in enumerate(self.product_ids.tolist())}
        source = np.array([old.get(product, -1) for product in product_ids.tolist()], np.int64)
        known = source >= 0
        target = np.full(len(self.product_ids) + 1, -1, np.int32)  # the last one is for "no neighbour"
        target[source[known]] = np.flatnonzero(known)
        unknown = int(self.category.max(initial=0)) + 1

        def move(values: np.ndarray, missing: float = 0) -> np.ndarray:
            moved = np.full((len(product_ids), *values.shape[1:]), missing, values.dtype)
            moved[known] = values[source[known]]
            return moved

        old_neighbours = (self.neighbours or {}).items()
        return replace(
            self,
            product_ids=product_ids,
            category=move(self.category, unknown),
            popularity=move(self.popularity),
            als=replace(self.als, factors=move(self.als.factors)) if self.als else None,
            neighbours={name: (target[move(found, -1)], move(weights)) for name, (found, weights) in old_neighbours},
        )


def write_part(part: Part, folder: Path) -> None:
    folder.mkdir(parents=True)
    np.savez(
        folder / "products.npz", product_ids=part.product_ids, category=part.category, popularity=part.popularity,
        day=str(part.day),
    )  # fmt: skip
    for name, (found, weights) in (part.neighbours or {}).items():
        np.savez(folder / f"{name}.npz", neighbours=found, weights=weights)
    if part.als:
        als = part.als
        np.savez(
            folder / "factors.npz", item_ids=part.product_ids, item_factors=als.factors, gram=als.factors.T @ als.factors,
            regularisation=als.regularisation, alpha=als.alpha, fold_in_difference=part.fold_in_difference,
        )  # fmt: skip


def read_part(folder: Path) -> Part:
    products = np.load(folder / "products.npz", allow_pickle=False)
    neighbours = {}
    for name in (SEEN_TOGETHER, ALIKE):
        if (folder / f"{name}.npz").exists():
            arrays = np.load(folder / f"{name}.npz", allow_pickle=False)
            neighbours[name] = arrays["neighbours"], arrays["weights"]
    part = Part(
        date.fromisoformat(str(products["day"])), products["product_ids"], products["category"], products["popularity"],
        neighbours=neighbours,
    )  # fmt: skip
    if not (folder / "factors.npz").exists():
        return part
    factors = np.load(folder / "factors.npz", allow_pickle=False)
    als = Als(factors["item_factors"], float(factors["regularisation"]), float(factors["alpha"]))
    return replace(part, als=als, fold_in_difference=float(factors["fold_in_difference"]))
