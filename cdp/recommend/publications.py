"""A publication on disk: the models and facts about the products, as of one day. A folder gets its name when it is complete, and
what belongs to a customer is in Redis under the same name (cdp/recommend/online.py)."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cdp.recommend.histories import Floats, Ints, Texts
from cdp.recommend.online import Pointer, parse_pointer
from cdp.recommend.parts import Part, read_part, write_part
from cdp.recommend.store import get_folder, replace_text
from cdp.settings import Settings

_CATALOGUE = "catalogue.npz"
_POINTER = "published"


@dataclass(frozen=True)
class Publication:
    """An array has a value for each product of the part, in the order of its `product_ids`."""

    name: str
    part: Part
    categories: Texts  # the code of each category; `part.category` has places in this array
    brand: Texts  # empty: none
    price: Ints  # in hundredths of the currency; 0: unknown
    price_band: Ints  # from 0, within the category
    popularity_7: Floats  # weighted events of the last 7 days
    popularity_28: Floats


def publications_folder(settings: Settings) -> Path:
    return get_folder(settings) / "publications"


def write_publication(settings: Settings, publication: Publication) -> Path:
    """An existing folder of the same name stays as it is."""
    folder = publications_folder(settings) / publication.name
    if folder.exists():
        return folder
    unfinished = folder.with_name(f".{publication.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    write_part(publication.part, unfinished)
    np.savez(
        unfinished / _CATALOGUE, categories=publication.categories, brand=publication.brand, price=publication.price,
        price_band=publication.price_band, popularity_7=publication.popularity_7, popularity_28=publication.popularity_28,
    )  # fmt: skip
    unfinished.rename(folder)
    return folder


def read_publication(settings: Settings, name: str) -> Publication:
    """Raises OSError if there is no such folder, or a file of it is missing."""
    folder = publications_folder(settings) / name
    with np.load(folder / _CATALOGUE, allow_pickle=False) as catalogue:
        return Publication(name, read_part(folder), **{key: catalogue[key] for key in catalogue.files})


def write_pointer(settings: Settings, pointer: Pointer) -> None:
    """A copy of the pointer in Redis, for an API that starts while Redis is away."""
    replace_text(get_folder(settings) / _POINTER, pointer.to_json())


def read_pointer(settings: Settings) -> Pointer | None:
    path = get_folder(settings) / _POINTER
    return parse_pointer(path.read_text()) if path.exists() else None
